package eval

import (
	"fmt"
	"maps"

	"github.com/escenv/escenv/internal/esc"
)

// begins finds where the path of a reference in c begins, and what of the path
// is left then. A nil place without a problem was reported already.
func (r *run) begins(c *cell, path []step) (*place, []step, *problem, bool) {
	switch path[0].name {
	case "context":
		return constant(c, measure(r.contextOf(c.env))).alone(), path[1:], nil, true
	case "imports":
		p, wrong, ok := r.imported(c.env, path)
		return p, path[min(2, len(path)):], wrong, ok
	case "environments":
		p, wrong, ok := r.inline(c.env, path)
		return p, path[min(3, len(path)):], wrong, ok
	}
	return c.env.place(), path, nil, true
}

// Anonymous is the Name of a Source that has none. It is nobody's root: what
// it imports is.
const Anonymous = "<yaml>"

// contextOf is what ${context...} holds in env.
func (r *run) contextOf(env *environment) esc.Value {
	named := func(e *environment) esc.Value {
		return esc.New(map[string]esc.Value{"name": esc.New(e.def.source.Name)})
	}
	fields := map[string]esc.Value{}
	maps.Copy(fields, r.context)
	fields["rootEnvironment"], fields["currentEnvironment"] = named(r.rootOf(env)), named(env)
	return esc.New(fields)
}

// rootOf returns the definition that is opened, as env sees it: if that has no
// name, the one of its imports that leads to env.
func (r *run) rootOf(env *environment) *environment {
	if env == r.root || r.root.def.source.Name != Anonymous {
		return r.root
	}
	seen := map[*environment]bool{}
	for _, l := range r.root.links {
		if next := l.target(); next != nil && next.reaches(env, seen) {
			return next
		}
	}
	return env
}

func (env *environment) reaches(other *environment, seen map[*environment]bool) bool {
	if env == other || seen[env] {
		return env == other
	}
	seen[env] = true
	for _, l := range env.links {
		if next := l.target(); next != nil && next.reaches(other, seen) {
			return true
		}
	}
	return false
}

// imported finds ${imports["project/name"]}.
func (r *run) imported(env *environment, path []step) (*place, *problem, bool) {
	if len(path) == 1 {
		p, ok := r.allImports(env)
		return p, nil, ok
	}
	if path[1].isIndex {
		return nil, &problem{"imports needs the name of one", `write ${imports["project/name"].property}`}, true
	}
	var names []string
	for _, l := range env.links {
		if l.decl.name != path[1].name {
			names = append(names, l.decl.name)
			continue
		}
		p, ok := r.arrived(r.reach(env, l), l.cyclic)
		return p, nil, ok
	}
	return nil, &problem{fmt.Sprintf("%q is not imported", clip(path[1].name)), esc.DidYouMean(path[1].name, names)}, true
}

// allImports returns ${imports}: an object of all imports by their names.
func (r *run) allImports(env *environment) (*place, bool) {
	fields := map[string]esc.Value{}
	var x result
	ready := true
	for _, l := range env.links {
		if r.reach(env, l) == nil {
			fields[l.decl.name], x.unknown = esc.Unknown(), true
			continue
		}
		p, ok := r.arrived(l.load, l.cyclic)
		if !ok || p == nil {
			ready = ready && ok
			continue
		}
		one, ok := r.value(p)
		ready = ready && ok
		fields[l.decl.name] = one.value
		x.include(one)
	}
	x.value = esc.New(fields)
	return constant(env.cell(env.def.values), x).alone(), ready
}

// inline finds ${environments.project.name}, which needs no import.
func (r *run) inline(env *environment, path []step) (*place, *problem, bool) {
	if len(path) < 3 || path[1].isIndex || path[2].isIndex {
		return nil, &problem{"environments needs a project and a name", "write ${environments.project.name.property}"}, true
	}
	name := path[1].name + "/" + path[2].name
	l := r.load(env, name)
	if l != nil && l.done && l.err != nil {
		summary, hint := describe(l.err)
		return nil, &problem{fmt.Sprintf("cannot load %q: %s", clip(name), summary), hint}, true
	}
	p, ok := r.arrived(l, false)
	return p, nil, ok
}

// reach begins to load what a link leads to; see load.
func (r *run) reach(env *environment, l *link) *load {
	if l.load == nil {
		l.load = r.load(env, l.decl.name)
	}
	return l.load
}

// arrived returns the values of a definition that was asked for, once it and
// all it merges are there. Nil is a definition of which nothing is known, or
// of which an error was reported.
func (r *run) arrived(l *load, cyclic bool) (*place, bool) {
	if l == nil {
		return nil, true
	}
	if !l.done || r.loading > 0 {
		return nil, false
	}
	if cyclic || l.env == nil || l.env.broken {
		return nil, true
	}
	return l.env.place(), true
}
