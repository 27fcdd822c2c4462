package eval

import (
	"fmt"
	"slices"

	"github.com/escenv/escenv/internal/esc"
)

type state uint8

const (
	idle state = iota
	busy       // being computed, further up the stack: meeting it is a cycle
	done
)

// A place is one property path of one environment: what its definition and
// those it merges say there, what wins first.
type place struct {
	layers  []*cell
	env     *environment           // whose values p is all of; nil if it is something else
	through map[*cell]*environment // see borrow

	solidState state
	solidCells []*cell // see solid

	children map[string]*place
	names    []string // of all children, once expanded
	expanded bool
	looks    int // layers looked through for children

	inner *place // see combined; the place itself if there is none

	state  state
	wave   int // in which it was found not ready
	result result
}

// A constant is a cell that holds a value that was computed already. c is the
// expression it came from.
func constant(c *cell, x result) *cell {
	return &cell{env: c.env, expr: c.expr, state: done, result: x, constant: true}
}

func (r *run) unknown(c *cell) *place { return constant(c, unknownResult()).alone() }

// solid returns the layers of p that count, with references replaced by what
// they name: objects, and then at most one of something else, which hides all
// below it.
func (r *run) solid(p *place) ([]*cell, bool) {
	switch p.solidState {
	case done:
		return p.solidCells, true
	case busy:
		return []*cell{constant(p.layers[0], r.cycle(p))}, true
	default:
	}
	p.solidState = busy
	cells, ok := r.solidify(p)
	p.solidState = idle
	if ok {
		p.solidState, p.solidCells = done, cells
	}
	return cells, ok
}

func (r *run) solidify(p *place) ([]*cell, bool) {
	if !r.enter(false) {
		return []*cell{constant(p.layers[0], unknownResult())}, true
	}
	defer r.leave()
	layers, ok := r.obeyFinal(p)
	if !ok {
		return nil, false
	}
	p.layers = layers
	var cells []*cell
	for i, c := range p.layers {
		next, ok := r.resolve(c)
		switch {
		case !ok:
			return nil, false
		case next == nil && cells == nil && i+1 == len(p.layers):
			return p.layers, true
		case next == nil:
			cells = append(cells, c)
		default:
			r.borrow(p, c, next)
			cells = append(cells, next...)
		}
		if object, ok := r.isObject(cells[len(cells)-1]); !object || !ok {
			return cells, ok
		}
	}
	return cells, true
}

// resolve returns what a reference or fn::final stands for; nil if c is
// neither.
func (r *run) resolve(c *cell) ([]*cell, bool) {
	target, ok := r.target(c)
	if !ok || target == nil {
		return nil, ok
	}
	next, ok := r.solid(target)
	if !ok || !c.isFinal() || len(next) == 1 {
		return next, ok
	}
	x, ok := r.value(target)
	return []*cell{constant(next[0], r.uppermost(target, x))}, ok
}

// child returns the property name of p; nil if it has none. To look through
// all layers for one name after the other is dearer than to find all names in
// one pass, from some number of names on.
func (r *run) child(p *place, name string) (*place, bool) {
	if child := p.children[name]; child != nil || p.expanded {
		return child, true
	}
	if below := p.below(name); below != nil {
		r.looks++
		child, ok := r.child(below, name)
		if child != nil {
			p.adopt(name, child)
		}
		return child, ok
	}
	cells, ok := r.solid(p)
	if !ok {
		return nil, false
	}
	if p.looks > 0 && p.looks >= width(cells) && !cells[len(cells)-1].isUnknown() {
		r.expand(p, cells)
		return p.children[name], true
	}
	var layers []*cell
	for _, c := range cells {
		p.looks++
		r.looks++
		if field := c.field(name); field != nil {
			layers = append(layers, field)
			if r.hides(field) {
				break
			}
		}
	}
	if layers == nil {
		return nil, true
	}
	return p.adopt(name, p.pile(layers)), true
}

// below returns the values of the one definition that p's own only adds to, if
// it says nothing about a name: both have the same there.
func (p *place) below(name string) *place {
	if p.env == nil || p.env.def.values.fields[name] != nil {
		return nil
	}
	if only := p.env.only(); only != nil {
		return only.place()
	}
	return nil
}

func (p *place) adopt(name string, child *place) *place {
	if p.children == nil {
		p.children = map[string]*place{}
	}
	p.children[name] = child
	return child
}

// expand finds all properties of p, an object with these solid layers, in one
// pass over them.
func (r *run) expand(p *place, cells []*cell) {
	if p.expanded {
		return
	}
	layers := r.fields(cells)
	p.names = make([]string, 0, len(layers))
	unknown := cells[len(cells)-1].isUnknown()
	if p.children == nil {
		p.children = make(map[string]*place, len(layers))
	}
	for name, over := range layers {
		p.names = append(p.names, name)
		if unknown {
			over = append(over, cells[len(cells)-1])
		}
		if p.children[name] == nil {
			p.adopt(name, p.pile(over))
		}
	}
	slices.Sort(p.names)
	p.expanded = !unknown
}

// fields returns the layers of all properties of an object with these layers.
func (r *run) fields(cells []*cell) map[string][]*cell {
	layers := make(map[string][]*cell, width(cells))
	for _, c := range cells {
		for _, name := range c.names() {
			r.looks++
			over, known := layers[name]
			switch field := c.field(name); {
			case !known:
				layers[name] = field.alone().layers
			case !r.hides(over[len(over)-1]):
				layers[name] = append(over, field)
			}
		}
	}
	return layers
}

// width is how many properties cells have, each of them by itself.
func width(cells []*cell) int {
	n := 0
	for _, c := range cells {
		if c.isLiteralObject() {
			n += len(c.expr.fields)
		} else if fields, ok := c.result.value.Object(); ok {
			n += len(fields)
		}
	}
	return n
}

// hides reports whether nobody asks what lies below c: it can be no object, so
// nothing merges with it.
func (r *run) hides(c *cell) bool {
	if r.finals || r.tracing || c.constant {
		return false
	}
	return c.expr.kind == literal || c.expr.kind == interpolation || c.expr.kind == list
}

// pile makes a place of layers.
func pile(layers []*cell) *place {
	if len(layers) == 1 {
		return layers[0].alone()
	}
	return &place{layers: layers}
}

// value returns all that p holds.
func (r *run) value(p *place) (result, bool) {
	switch {
	case p.state == done:
		return p.result, true
	case p.state == busy:
		return r.cycle(p), true
	case p.wave == r.wave:
		return result{}, false
	case !r.enter(p.wave == 0):
		return unknownResult(), true
	}
	defer r.leave()
	p.state = busy
	x, ok := r.assemble(p)
	if ok {
		x, ok = r.combined(p, x)
	}
	if !ok {
		p.state, p.wave = idle, r.wave
		return result{}, false
	}
	p.state, p.result = done, x
	return x, true
}

func (r *run) assemble(p *place) (result, bool) {
	cells, ok := r.solid(p)
	if !ok {
		return result{}, false
	}
	if c := p.layers[0]; !c.constant && c.named != nil { // a reference: what it names may hold p
		x, ok := r.value(c.named)
		if len(p.layers) == 1 {
			p.children, p.names, p.expanded = c.named.children, c.named.names, c.named.expanded
		}
		if !ok || len(p.layers) == 1 || x.value.IsUnknown() {
			return x, ok
		}
	}
	top := cells[0]
	if object, ok := r.isObject(top); !object || !ok || len(cells) == 1 && !top.isLiteralObject() {
		return r.compute(top)
	}
	r.expand(p, cells)
	fields := make(map[string]esc.Value, len(p.names))
	x := result{unknown: cells[len(cells)-1].isUnknown(), merged: len(cells) > 1}
	ready := true
	for _, name := range p.names {
		field, ok := r.value(p.children[name])
		ready = ready && ok
		fields[name] = field.value
		x.size += len(name) + 4
		x.include(field)
	}
	if !ready {
		return result{}, false
	}
	if x.value = esc.New(fields); !top.isLiteralObject() && top.result.value.IsSecret() {
		x.value, x.secret = x.value.Sealed(), true
	}
	return r.bounded(p.layers[0], x), true
}

// bounded refuses what is too large to go on with.
func (r *run) bounded(c *cell, x result) result {
	switch {
	case x.size > maxResult:
		r.errorAt(c, tooLarge(maxResult), "")
	case x.nesting > maxNesting:
		r.errorAt(c, fmt.Sprintf("the value is nested deeper than %d", maxNesting), "")
	default:
		return x
	}
	return unknownResult()
}

// cycle reports that computing p needs p.
func (r *run) cycle(p *place) result {
	at := r.asking
	if at == nil {
		at = p.layers[0]
	}
	r.errorAt(at, fmt.Sprintf("cyclic reference to %q", p.layers[0].expr.short()), "")
	return unknownResult()
}

// enter goes one level deeper and counts the steps of the computation. It
// reports when there are too many, and refuses all further ones.
func (r *run) enter(first bool) bool {
	if first {
		r.steps++
	}
	if r.exhausted {
		return false
	}
	if r.steps > maxSteps || r.made > maxMade || r.nested > maxRecursion {
		r.exhausted = true
		r.errorAt(r.root.cell(r.root.def.values), "the definition takes too many steps to compute", "")
		return false
	}
	r.nested++
	return true
}

func (r *run) leave() { r.nested-- }
