// Package eval is the language: it reads definitions and computes what they
// say, as little of it as was asked for.
//
// Reading a text gives a definition: a tree of expressions with positions. A
// run links definitions through their imports and computes values on demand.
// One goroutine computes; only loads and fn::open wait for anything, and they
// run beside each other. What depends on one that is still under way is
// "not ready" and is asked for again when something has arrived.
package eval

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// A Source is the text of one definition.
type Source struct {
	Name string // "project/name" or a path: what diagnostics show
	File string // absolute, if the text came from a local file
	Text []byte

	quotable   bool   // excerpts of it may be shown
	veils      []veil // but for this
	shownUntil int    // and, if it is not 0, only of lines before this one
}

// A Loader finds definitions. It is called from several goroutines.
type Loader interface {
	// LoadRef loads the definition that is opened or checked.
	LoadRef(ctx context.Context, ref esc.Ref) (*Source, error)
	// Load loads what imports or ${environments...} name. name is as it is
	// written and from is the definition it is written in. Two Sources of one
	// Name are the same definition.
	Load(ctx context.Context, name string, from *Source) (*Source, error)
}

// An Evaluator opens environments by computing them.
type Evaluator struct {
	Loader    Loader
	Providers map[string]esc.Provider // what fn::open::NAME means
	Rotators  map[string]Rotator      // what fn::rotate::NAME means
	Decrypter Decrypter               // opens ciphertext in fn::secret; nil if nobody can
	Context   map[string]esc.Value    // what ${context} holds beside rootEnvironment and currentEnvironment
}

var _ esc.Opener = (*Evaluator)(nil)

// maxParallel bounds how many loads, and how many fn::open, run at once.
const maxParallel = 16

// Open computes the part of the layers that req demands. It implements
// esc.Opener. Renew is what providers said: whoever has a clock may do better.
func (e *Evaluator) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	if len(req.Refs) == 0 {
		return nil, esc.Errorf(esc.Invalid, "no environment was named")
	}
	if req.Want == esc.WantPath && len(req.Refs) > 1 {
		return nil, esc.Errorf(esc.Invalid, "a path needs exactly one environment")
	}
	layers, err := e.openLayers(ctx, req)
	if err != nil {
		return nil, err
	}
	return stack(req, layers)
}

// openLayers looks at all layers, and only then opens them: each by itself, all
// at once.
func (e *Evaluator) openLayers(ctx context.Context, req esc.Request) ([]*esc.Environment, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	slots := make(chan struct{}, maxParallel)
	runs, err := each(req.Refs, func(_ int, ref esc.Ref) (*run, error) {
		r, err := e.begin(ctx, ref, slots, looking())
		if err != nil {
			return nil, err
		}
		return r, r.look(req)
	})
	if err != nil {
		return nil, err
	}
	return each(req.Refs, func(i int, ref esc.Ref) (*esc.Environment, error) { return runs[i].openLayer(ref, req) })
}

// each does something for every ref, all at once, where a crash would end the
// program and print what it is about.
func each[T any](refs []esc.Ref, do func(i int, ref esc.Ref) (T, error)) ([]T, error) {
	out := make([]T, len(refs))
	errs := make([]error, len(refs))
	var group sync.WaitGroup
	for i, ref := range refs {
		group.Go(func() {
			defer func() {
				if recover() != nil {
					errs[i] = esc.Errorf(esc.Internal, "opening %s crashed", ref)
				}
			}()
			out[i], errs[i] = do(i, ref)
		})
	}
	group.Wait()
	return out, join(errs)
}

// openLayer opens what was looked at.
func (r *run) openLayer(ref esc.Ref, req esc.Request) (*esc.Environment, error) {
	defer r.cancel()
	r.restart()
	env := &esc.Environment{}
	if err := r.demand(env, req); err != nil {
		return nil, err
	}
	env.Name = ref.String()
	env.Secrets, env.Sources, env.Warnings = r.secretValues(), r.sources(), r.diagnostics()
	return env, nil
}

// join returns the diagnostics of all errs as one error, or the first error
// that is something else.
func join(errs []error) error {
	var all esc.Diagnostics
	for _, err := range errs {
		var wrong esc.Diagnostics
		switch {
		case err == nil:
		case errors.As(err, &wrong):
			all = append(all, wrong...)
		default:
			return err
		}
	}
	return tidy(all).Err()
}

// stack puts opened layers on top of each other: later ones win.
func stack(req esc.Request, layers []*esc.Environment) (*esc.Environment, error) {
	out := &esc.Environment{Value: layers[0].Value}
	var names []string
	for i, layer := range layers {
		names = append(names, layer.Name)
		if i > 0 {
			out.Value = merge(layer.Value, out.Value)
		}
		out.Secrets = append(out.Secrets, layer.Secrets...)
		out.Sources = append(out.Sources, layer.Sources...)
		out.Warnings = append(out.Warnings, layer.Warnings...)
	}
	out.Name = strings.Join(names, " ")
	out.Secrets, out.Sources = distinctSecrets(out.Secrets), distinct(out.Sources)
	out.Warnings = tidy(out.Warnings)
	var book ledger
	if req.Want == esc.WantVariables {
		stackNames(out, layers, &book)
	} else {
		for _, layer := range layers {
			book.enter(layer.Leases)
		}
	}
	book.fill(out)
	return out, nil
}

// stackNames gives out the variables and files of all layers. A name is the
// one or the other, as the last layer that has it says; leases that only rest
// in hidden layers are left out.
func stackNames(out *esc.Environment, layers []*esc.Environment, book *ledger) {
	type holder struct {
		layer    *esc.Environment
		variable *esc.Variable // nil for a file
		file     *esc.File
	}
	last := map[string]holder{}
	for _, layer := range layers {
		for i, v := range layer.Variables {
			last[v.Name] = holder{layer: layer, variable: &layer.Variables[i]}
		}
		for i, f := range layer.Files {
			last[f.Name] = holder{layer: layer, file: &layer.Files[i]}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		if h := last[name]; h.variable != nil {
			v := *h.variable
			v.Leases = book.enter(pick(h.layer, v.Leases))
			out.Variables = append(out.Variables, v)
		} else {
			f := *h.file
			f.Leases = book.enter(pick(h.layer, f.Leases))
			out.Files = append(out.Files, f)
		}
	}
}

// merge lays upper over lower: objects merge, anything else replaces.
func merge(upper, lower esc.Value) esc.Value {
	above, ok := upper.Object()
	below, ok2 := lower.Object()
	if !ok || !ok2 {
		return upper
	}
	out := make(map[string]esc.Value, len(above)+len(below))
	maps.Copy(out, below)
	for name, v := range above {
		if under, ok := below[name]; ok {
			v = merge(v, under)
		}
		out[name] = v
	}
	return esc.New(out)
}

// earliest returns the earlier of two times, of which zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Checked is what opening a definition would give, as far as that can be told
// without opening it.
type Checked struct {
	Name      string
	Variables []string // names of environmentVariables, sorted
	Files     []string // names of files, sorted
	Providers []string // the fn::open and fn::rotate providers in it and its imports, sorted
	Warnings  esc.Diagnostics
}

// Check looks at every value of a definition and of all it imports without
// side effects. It returns Diagnostics when one of them is wrong.
func (e *Evaluator) Check(ctx context.Context, ref esc.Ref) (*Checked, error) {
	r, err := e.begin(ctx, ref, make(chan struct{}, maxParallel), mode{checking: true, lenient: true})
	if err != nil {
		return nil, err
	}
	defer r.cancel()
	variables, files, err := r.checkAll()
	if err != nil {
		return nil, err
	}
	return &Checked{
		Name: ref.String(), Variables: names(variables), Files: names(files),
		Providers: r.providers(), Warnings: r.diagnostics(),
	}, nil
}

func names(entries []entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.name)
	}
	return out
}

// Lint says what is wrong with one text, its imports not looked at.
func Lint(src *Source) esc.Diagnostics {
	_, diags := parse(src)
	return tidy(diags)
}
