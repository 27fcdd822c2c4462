package eval

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

// An environment is a definition in a run: its links to what it imports, and
// a cell for each of its expressions.
type environment struct {
	def    *definition
	links  []*link
	cells  []cell
	broken bool                 // the text has errors: it is not opened
	chain  []*environment       // see layers
	whole  bool                 // see layers
	mark   *environment         // see collect
	ranks  map[*environment]int // see rank
	merged *place               // see place
}

// A link is one import of an environment.
type link struct {
	decl   importDecl
	load   *load // nil until it is demanded
	cyclic bool
	failed bool // its error was reported here
}

// target returns what a link leads to, nil if that cannot be had.
func (l *link) target() *environment {
	if l.cyclic || l.load == nil || l.load.env == nil || l.load.env.broken {
		return nil
	}
	return l.load.env
}

// A load is one definition that was asked for by name.
type load struct {
	done bool
	env  *environment
	err  error
}

// cell returns the cell of an expression of env.
func (env *environment) cell(e *expr) *cell {
	c := &env.cells[e.id]
	c.env, c.expr = env, e
	return c
}

// adopt makes a definition part of the run and begins to load what it
// merges. Another text of the same name is the same definition.
func (r *run) adopt(def *definition, diags esc.Diagnostics) *environment {
	if env := r.envs[def.source.Name]; env != nil {
		return env
	}
	env := &environment{def: def, cells: make([]cell, def.count), broken: r.isBroken(def, diags)}
	r.envs[def.source.Name] = env
	r.order = append(r.order, env)
	r.finals = r.finals || def.finals
	for _, d := range diags {
		r.add(d)
	}
	env.links = make([]*link, len(def.imports))
	links := make([]link, len(def.imports))
	for i, decl := range def.imports {
		l := &links[i]
		env.links[i], l.decl = l, decl
		if decl.merge || r.lenient && !r.lazy {
			l.load = r.load(env, decl.name)
		}
	}
	return env
}

// isBroken reports whether a definition is not even looked at.
func (r *run) isBroken(def *definition, diags esc.Diagnostics) bool {
	return def.refused || diags.Err() != nil && (!r.lenient || r.dropping && r.root != nil)
}

// load begins to load the definition that from calls name, once. It returns nil
// for what is not there once nothing more is loaded.
func (r *run) load(from *environment, name string) *load {
	key := name
	if strings.HasPrefix(name, ".") || !strings.Contains(name, "/") {
		key = from.def.source.Name + "\x00" + name // relative to where it is written
	}
	if l := r.loads[key]; l != nil {
		return l
	}
	if r.frozen {
		return nil
	}
	l := &load{}
	r.loads[key] = l
	if len(r.loads) > maxImports {
		l.done, l.err = true, esc.Errorf(esc.Invalid, "more than %d definitions are imported", maxImports)
		return l
	}
	r.loading++
	r.start(func(ctx context.Context) func() {
		src, err := r.loader.Load(ctx, name, from.def.source)
		if err != nil {
			return func() { r.loaded(l, nil, nil, err) }
		}
		def, diags := parse(src)
		return func() { r.loaded(l, def, diags, nil) }
	})
	return l
}

func (r *run) loaded(l *load, def *definition, diags esc.Diagnostics, err error) {
	r.loading--
	l.done, l.err = true, err
	if err == nil {
		l.env = r.adopt(def, diags)
	}
	if r.loading == 0 {
		r.inspect()
	}
}

// inspect reports imports that failed, that lead back to themselves or that
// lead too deep.
func (r *run) inspect() {
	seen := map[*environment]bool{}
	for _, env := range r.order {
		r.walk(env, nil, seen)
	}
}

// walk follows the imports of env; trail is how it was reached.
func (r *run) walk(env *environment, trail []*environment, seen map[*environment]bool) {
	if seen[env] {
		return
	}
	seen[env] = true
	trail = append(trail, env)
	for _, l := range env.links {
		switch {
		case l.load == nil || l.cyclic || l.failed:
		case l.load.err != nil:
			l.failed = true
			r.importError(env, l, l.load.err)
		case slices.Contains(trail, l.load.env):
			l.cyclic = true
			r.linkError(env, l, "cyclic import: "+cycleName(trail, l.load.env), "")
		case len(trail) > maxImportDepth:
			l.cyclic = true
			r.linkError(env, l, fmt.Sprintf("imports are nested deeper than %d", maxImportDepth), "")
		default:
			r.walk(l.load.env, trail, seen)
		}
	}
}

// cycleName writes a cycle as "a/b imports c/d imports a/b".
func cycleName(trail []*environment, env *environment) string {
	const most = 10
	var names []string
	for _, e := range trail {
		if e == env || len(names) > 0 {
			names = append(names, e.def.source.Name)
		}
	}
	if len(names) > most {
		names = append(names[:most], "...")
	}
	return strings.Join(append(names, env.def.source.Name), " imports ")
}

func (r *run) linkError(env *environment, l *link, summary, hint string) {
	if r.room(false) {
		r.add(diagnose(env.def.source, l.decl.at, summary, hint))
	}
}

// importError reports an import that cannot be loaded: an error in the
// definition that names it.
func (r *run) importError(env *environment, l *link, err error) {
	summary, hint := describe(err)
	r.linkError(env, l, fmt.Sprintf("cannot import %q: %s", clip(l.decl.name), summary), hint)
}

// layers returns env and all it merges, what wins first. Each stands where it
// is met first: nothing that is seen again further down can add anything. The
// environment is whole if all of that is there: if not, nobody knows what it
// would have.
func (env *environment) layers() []*environment {
	if env.chain == nil {
		env.whole = true
		env.chain = env.collect(nil, env)
	}
	return env.chain
}

// collect adds env and all it merges to the layers of top, whose mark is on
// those that are among them already.
func (env *environment) collect(chain []*environment, top *environment) []*environment {
	env.mark = top
	chain = append(chain, env)
	for _, l := range slices.Backward(env.links) {
		switch next := l.target(); {
		case !l.decl.merge:
		case next == nil:
			top.whole = false
		case next.mark != top:
			chain = next.collect(chain, top)
		}
	}
	return chain
}

// only returns the one definition that env merges directly; nil if it merges
// none or several.
func (env *environment) only() (only *environment) {
	for _, l := range env.links {
		switch {
		case !l.decl.merge:
		case only != nil || l.target() == nil:
			return nil
		default:
			only = l.target()
		}
	}
	return only
}

// rank returns where other stands among the layers of env; -1 if env does not
// merge it.
func (env *environment) rank(other *environment) int {
	if env.ranks == nil {
		env.ranks = map[*environment]int{}
		for i, layer := range env.layers() {
			env.ranks[layer] = i
		}
	}
	if rank, ok := env.ranks[other]; ok {
		return rank
	}
	return -1
}

// place returns the values of env over those of all it merges.
func (env *environment) place() *place {
	if env.merged == nil {
		layers := env.layers()
		cells := make([]*cell, 0, len(layers)+1)
		for _, layer := range layers {
			cells = append(cells, layer.cell(layer.def.values))
		}
		if !env.whole {
			cells = append(cells, constant(env.cell(env.def.values), unknownResult()))
		}
		if env.merged = pile(cells); len(cells) > 1 {
			env.merged.env = env
		}
	}
	return env.merged
}

// everything demands every expression of every definition, shadowed or not.
func (r *run) everything() bool {
	ready := true
	for i := 0; i < len(r.order); i++ { // grows while it runs
		env := r.order[i]
		if env.broken {
			continue
		}
		if r.loading > 0 {
			return false // what it imports may not be there yet
		}
		ready = r.all(env) && ready
	}
	return ready
}

// all demands every expression of one definition.
func (r *run) all(env *environment) bool {
	c := env.cell(env.def.values)
	if r.finals {
		return r.counting(c, env.place())
	}
	ready := true
	for _, name := range c.expr.names {
		_, ok := r.value(c.field(name).alone())
		ready = ready && ok
	}
	return ready
}

// counting demands what c, one of the layers of p, says, but for what fn::final
// below it takes out.
func (r *run) counting(c *cell, p *place) bool {
	if _, ok := r.solid(p); !ok {
		return false
	}
	if !slices.Contains(p.layers, c) {
		return true
	}
	if !c.isLiteralObject() || len(p.layers) == 1 {
		_, ok := r.value(c.alone())
		return ok
	}
	ready := true
	for _, name := range slices.Sorted(maps.Keys(c.expr.fields)) {
		child, ok := r.child(p, name)
		ready = ready && ok && r.counting(c.field(name), child)
	}
	return ready
}
