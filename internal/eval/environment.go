package eval

import (
	"fmt"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

// demand computes what a request wants into env.
func (r *run) demand(env *esc.Environment, req esc.Request) error {
	switch req.Want {
	case esc.WantVariables:
		return r.finish(func() (ready bool) {
			env.Variables, ready = r.variables()
			return ready
		})
	case esc.WantPath:
		return r.demandPath(env, req.Path)
	default:
		return r.finish(func() bool {
			x, ready := r.value(r.root.place())
			env.Value = x.value
			return ready
		})
	}
}

// variables computes environmentVariables. What is wrong with one is reported
// where it stands.
func (r *run) variables() ([]esc.Variable, bool) {
	r.warnFiles()
	p, ok := r.child(r.root.place(), "environmentVariables")
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
		r.errorAt(p.layers[0], "environmentVariables must be an object, not "+x.value.AKind(), "")
		return nil, true
	}
	fields, _ := x.value.Object()
	out := make([]esc.Variable, 0, len(fields))
	for _, name := range x.value.Keys() {
		if v, ok := r.variable(p, name, fields[name]); ok {
			out = append(out, v)
		}
	}
	return out, true
}

// warnFiles says that files are read but not written anywhere: whoever relies
// on them would otherwise look for them in vain.
func (r *run) warnFiles() {
	p, ok := r.child(r.root.place(), "files")
	if !ok || p == nil || p.layers[0].constant || !r.room(true) { // constant: an import that is missing may have some
		return
	}
	at := p.layers[0]
	d := diagnose(at.env.def.source, at.expr, "files are not projected yet: no file is written", "hand the text over in environmentVariables")
	d.Warning = true
	r.add(d)
}

func (r *run) variable(p *place, name string, v esc.Value) (esc.Variable, bool) {
	at := p.layers[0]
	if child := p.children[name]; child != nil {
		at = child.layers[0]
	}
	text, scalar := v.RevealString()
	switch {
	case !esc.IsVariableName(name):
		r.errorAt(at, fmt.Sprintf("%q is not the name of an environment variable", clip(name)),
			fmt.Sprintf("use letters, digits and _, not beginning with a digit, at most %d", esc.MaxVariableName))
	case v.IsUnknown():
		return esc.Variable{Name: name, Value: v}, true
	case !scalar:
		r.errorAt(at, "an environment variable cannot hold "+v.AKind(), "fn::toJSON makes a string of it")
	case strings.ContainsRune(text, 0):
		r.errorAt(at, "an environment variable cannot hold a NUL byte", "")
	default:
		value := esc.New(text)
		if v.IsSecret() {
			value = value.AsSecret()
		}
		return esc.Variable{Name: name, Value: value}, true
	}
	return esc.Variable{}, false
}

// demandPath computes the value at a path below values.
func (r *run) demandPath(env *esc.Environment, text string) error {
	path, err := parsePath(text)
	if err != nil {
		return err
	}
	var wrong error
	if err := r.finish(func() bool {
		x, ready, err := r.at(path)
		env.Value, wrong = x.value, err
		return ready
	}); err != nil {
		return err
	}
	return wrong
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
