package eval

import (
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/schema"
)

// Opening looks before it opens: what is wrong anywhere in a definition that is
// loaded is said before any provider is asked, whether or not anybody demands
// it. What looking loads and reads is there for opening, which computes anew:
// only what is demanded may become a lease, or a secret to mask.

// looking is the mode in which a run for Open begins.
func looking() mode { return mode{checking: true, lenient: true, lazy: true} }

// look finds what is wrong with the definitions that req needs. What it demands
// may load more; after that nothing is loaded, and what is not there is unknown.
func (r *run) look(req esc.Request) error {
	missing := r.demand(&esc.Environment{}, req) // its other errors come again
	r.frozen = true
	if _, _, err := r.checkAll(); err != nil {
		return err
	}
	return missing
}

// checkAll demands all that is there. It returns the variables and files.
func (r *run) checkAll() (variables, files []entry, err error) {
	err = r.finish(func() bool {
		ready := r.everything()
		_, whole := r.value(r.root.place())
		var named, named2 bool
		variables, files, named, named2 = r.projected()
		return ready && whole && named && named2
	})
	return variables, files, err
}

// restart forgets what looking computed, to open. Diagnostics, by now only
// warnings, stay: a definition has them whatever is demanded.
func (r *run) restart() {
	r.mode, r.frozen = mode{}, false
	for _, env := range r.order {
		clear(env.cells)
		env.merged = nil
	}
	clear(r.secrets)
	r.steps, r.looks, r.made, r.checks = 0, 0, 0, schema.Meter{}
}
