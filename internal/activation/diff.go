package activation

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// An Op is what a Change does to a variable.
type Op int

// The operations on a variable.
const (
	Save    Op = iota // the shell keeps what it is now
	Export            // it is set to Value, and exported
	Unset             // it is removed
	Restore           // what Save kept comes back, exported if Exported
	Forget            // what Save kept is dropped
)

// A Change is one step towards what a shell's variables should be.
type Change struct {
	Op       Op
	Name     string
	Value    esc.Value // for Export
	Exported bool      // for Restore
}

// The markers that are exported beside an environment's variables, for prompts
// and for shells inside this one. None is secret.
const (
	MarkerEnv     = "ESCENV_ENV"     // the environment's name
	MarkerVars    = "ESCENV_VARS"    // the names that were set, joined by ':'
	MarkerExpires = "ESCENV_EXPIRES" // RFC 3339; absent if nothing expires
	MarkerFile    = "ESCENV_FILE"    // the .escenv it comes from
)

// A wish is what a variable should be while an environment is loaded.
type wish struct {
	value esc.Value
	unset bool
}

// wishes returns what variables should be for env, whose files are at those
// paths, and what of it the hook does not do.
func wishes(env *esc.Environment, file *File, paths map[string]string, holds func(string) bool) (map[string]wish, []Refusal) {
	want := make(map[string]wish, len(env.Variables)+len(env.Files)+len(competitors)+4)
	var refused []Refusal
	set := func(name string, value esc.Value) {
		text, ok := value.RevealString()
		if r := refusal(name, text, env.AllowedNames); r != nil {
			refused = append(refused, *r)
		} else if ok && holds != nil && !holds(text) {
			refused = append(refused, Refusal{Name: name, Why: "is not UTF-8 text, and this shell holds nothing else"})
		} else if ok {
			want[name] = wish{value: value}
		}
	}
	for _, v := range env.Variables {
		set(v.Name, v.Value)
	}
	for _, f := range env.Files {
		set(f.Name, esc.New(paths[f.Name]))
	}
	names := slices.Sorted(maps.Keys(want))
	if _, ok := want["AWS_ACCESS_KEY_ID"]; ok {
		for _, name := range competitors {
			if _, ok := want[name]; !ok {
				want[name] = wish{unset: true}
			}
		}
	}
	mark := func(name, value string) { want[name] = wish{value: esc.New(value)} }
	mark(MarkerEnv, file.Name())
	mark(MarkerFile, file.Path)
	mark(MarkerVars, strings.Join(names, ":"))
	if !env.Expires.IsZero() {
		mark(MarkerExpires, env.Expires.UTC().Format(time.RFC3339))
	} else {
		want[MarkerExpires] = wish{unset: true}
	}
	return want, refused
}

// A differ works out the changes of one run.
type differ struct {
	state   *state
	environ environ
	same    bool // the environment is the one that is loaded already
	changes []Change
}

// diff returns the changes that make the environment as it is wished, and
// makes the state say so. With no wishes everything is put back.
func (d *differ) diff(want map[string]wish) []Change {
	names := make([]string, 0, len(want)+len(d.state.vars))
	for name := range want {
		names = append(names, name)
	}
	for _, v := range d.state.vars {
		names = append(names, v.name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	vars := make([]variable, 0, len(names))
	d.changes = make([]Change, 0, 2*len(names))
	for _, name := range names {
		before, known := d.state.find(name)
		wanted, ok := want[name]
		switch {
		case !ok:
			d.giveBack(before)
		case known:
			vars = append(vars, d.replace(before, wanted)...)
		default:
			vars = append(vars, d.take(name, wanted)...)
		}
	}
	d.state.vars = vars
	return d.changes
}

// giveBack ends escenv's use of a variable. What the user made of it
// meanwhile stays.
func (d *differ) giveBack(v variable) {
	if value, set := d.environ.lookup(v.name); d.state.holds(v, value, set) {
		d.do(Change{Op: Restore, Name: v.name, Exported: v.exported})
	} else {
		d.do(Change{Op: Forget, Name: v.name})
	}
}

// replace changes a variable that escenv has set before.
func (d *differ) replace(v variable, w wish) []variable {
	value, set := d.environ.lookup(v.name)
	if !d.state.holds(v, value, set) {
		if d.same {
			v.hash = hashYielded
			return []variable{v}
		}
		d.do(Change{Op: Forget, Name: v.name})
		return d.take(v.name, w)
	}
	return []variable{d.set(v, w, value, set)}
}

// take sets a variable for the first time.
func (d *differ) take(name string, w wish) []variable {
	value, set := d.environ.lookup(name)
	if w.unset && !set {
		return nil
	}
	d.do(Change{Op: Save, Name: name})
	return []variable{d.set(variable{name: name, exported: set}, w, value, set)}
}

// set makes a variable what is wished, unless it is that already.
func (d *differ) set(v variable, w wish, value string, set bool) variable {
	if w.unset {
		if set {
			d.do(Change{Op: Unset, Name: v.name})
		}
		v.hash = hashUnset
		return v
	}
	wanted, _ := w.value.RevealString()
	if !set || value != wanted {
		d.do(Change{Op: Export, Name: v.name, Value: w.value})
	}
	v.hash = d.state.hash(v.name, wanted)
	return v
}

func (d *differ) do(c Change) { d.changes = append(d.changes, c) }
