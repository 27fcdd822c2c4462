package eval

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

// demand computes what a request wants into env.
func (r *run) demand(env *esc.Environment, req esc.Request) error {
	var book ledger
	var x result
	var err error
	switch req.Want {
	case esc.WantVariables:
		err = r.demandVariables(env, &book)
	case esc.WantPath:
		x, err = r.demandPath(req.Path)
	default:
		err = r.finish(func() (ready bool) {
			x, ready = r.value(r.root.place())
			return ready
		})
	}
	env.Value = x.value
	book.enter(x.leases.list(r.leases))
	book.fill(env)
	return err
}

func (r *run) demandVariables(env *esc.Environment, book *ledger) error {
	var variables, files []entry
	err := r.finish(func() bool {
		var ready, ready2 bool
		variables, files, ready, ready2 = r.projected()
		return ready && ready2
	})
	for _, e := range variables {
		env.Variables = append(env.Variables, esc.Variable{Name: e.name, Value: e.value, Leases: book.enter(e.leases.list(r.leases))})
	}
	for _, e := range files {
		env.Files = append(env.Files, esc.File{Name: e.name, Content: e.value, Leases: book.enter(e.leases.list(r.leases))})
	}
	return err
}

// An entry is one of environmentVariables or files.
type entry struct {
	name   string
	value  esc.Value // a string, or unknown
	leases *leases
	at     *cell
	told   bool // the name is written somewhere, not just computed
}

// quoted is the name for a message, unless only a secret tells it.
func (e *entry) quoted() string {
	if !e.told && e.value.IsSecret() {
		return "a name in a secret object"
	}
	return strconv.Quote(clip(e.name))
}

// projected computes environmentVariables and files. Who uses a file finds its
// path in the variable of that name, so no variable of that name remains.
func (r *run) projected() (variables, files []entry, ready, ready2 bool) {
	all, ready := r.entries("environmentVariables", "an environment variable")
	files, ready2 = r.entries("files", "a file")
	isFile := make(map[string]bool, len(files))
	for _, f := range files {
		isFile[f.name] = true
	}
	for _, v := range all {
		if !isFile[v.name] {
			variables = append(variables, v)
			continue
		}
		if r.room(true) {
			d := diagnose(v.at.env.def.source, v.at.expr, fmt.Sprintf("%q is also a file: the variable holds its path", clip(v.name)), "")
			d.Warning = true
			r.add(d)
		}
	}
	return variables, files, ready, ready2
}

// entries computes the object key of values, each of whose properties is what.
// What is wrong with one is reported where it stands.
func (r *run) entries(key, what string) ([]entry, bool) {
	p, ok := r.child(r.root.place(), key)
	if !ok || p == nil {
		return nil, ok
	}
	x, ok := r.value(p)
	if !ok {
		return nil, false
	}
	if x.value.IsUnknown() || x.value.IsNull() {
		return nil, true
	}
	if !x.isObject() {
		r.errorAt(p.layers[0], key+" must be an object, not "+x.value.AKind(), "")
		return nil, true
	}
	fields, _ := x.value.Object()
	out := make([]entry, 0, len(fields))
	for _, name := range x.value.Keys() {
		e := entry{name: name, value: fields[name], leases: x.leases, at: p.layers[0]}
		if child := p.children[name]; child != nil && child.state == done {
			e.leases, e.at = child.result.leases, child.layers[0]
			e.told = !e.at.constant
		}
		if r.projects(&e, what) {
			out = append(out, e)
		}
	}
	return out, true
}

// projects reports whether e can be handed to a command, and makes its value
// the text that is.
func (r *run) projects(e *entry, what string) bool {
	text, scalar := e.value.RevealString()
	switch {
	case !esc.IsVariableName(e.name):
		r.errorAt(e.at, e.quoted()+" is not the name of an environment variable",
			fmt.Sprintf("use letters, digits and _, not beginning with a digit, at most %d", esc.MaxVariableName))
	case e.value.IsUnknown():
		return true
	case !scalar:
		r.errorAt(e.at, what+" cannot hold "+e.value.AKind(), "fn::toJSON makes a string of it")
	case what == "an environment variable" && strings.ContainsRune(text, 0):
		r.errorAt(e.at, what+" cannot hold a NUL byte", "files can")
	default:
		secret := e.value.IsSecret()
		if e.value = esc.New(text); secret {
			e.value = e.value.AsSecret()
		}
		return true
	}
	return false
}

// demandPath computes the value at a path below values.
func (r *run) demandPath(text string) (x result, err error) {
	path, err := parsePath(text)
	if err != nil {
		return x, err
	}
	var wrong error
	if err := r.finish(func() (ready bool) {
		x, ready, wrong = r.at(path)
		return ready
	}); err != nil {
		return x, err
	}
	return x, wrong
}

// at computes what a path names. The error says that there is no such thing.
func (r *run) at(path []step) (result, bool, error) {
	p := r.root.place()
	for i, s := range path {
		next, wrong, ok := r.descend(p, s)
		switch {
		case !ok:
			return result{}, false, nil
		case wrong != nil:
			missing := esc.Errorf(esc.NotFound, "%s has no %q: %s", r.root.def.source.Name, pathString(path[:i+1]), wrong.summary)
			missing.Hint = wrong.hint
			return result{}, true, missing
		}
		p = next
	}
	x, ok := r.value(p)
	return x, ok, nil
}
