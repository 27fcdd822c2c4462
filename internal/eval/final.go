package eval

import (
	"slices"

	"github.com/escenv/escenv/internal/esc"
)

// fn::final forbids overriding a value, to whoever merges the definition it
// stands in. References to such a value are as final as it is.

// obeyFinal returns the layers of p without what overrides a fn::final value of what
// its own definition merges. Definitions that only stand beside each other may
// override each other.
func (r *run) obeyFinal(p *place) ([]*cell, bool) {
	layers := p.layers
	if len(layers) == 1 || !r.finals || layers[0].expr.parent == nil { // nil: values itself
		return layers, true
	}
	r.steps += len(layers) * len(layers) / 64
	kept := slices.Clone(layers)
	for _, upper := range slices.Backward(layers) {
		final, ok := r.isFinal(p.overridden(upper, kept))
		if !ok {
			return nil, false
		}
		if !final {
			continue
		}
		kept = slices.DeleteFunc(kept, func(c *cell) bool { return c == upper })
		if r.room(true) {
			d := diagnose(upper.env.def.source, upper.expr, "cannot override a final value: this is ignored", "")
			d.Warning = true
			r.add(d)
		}
	}
	return kept, true
}

// isFinal reports whether c is fn::final, or stands for one. c may be nil.
func (r *run) isFinal(c *cell) (yes, ok bool) {
	const most = 1000 // references in a circle were reported
	for range most {
		if c == nil || c.isFinal() {
			return c != nil, true
		}
		target, ok := r.target(c)
		if !ok || target == nil {
			return false, ok
		}
		if _, ok := r.solid(target); !ok {
			return false, false
		}
		c = target.layers[0]
	}
	return false, true
}

// overridden returns the one of layers that c overrides in its own definition;
// nil if there is none.
func (p *place) overridden(c *cell, layers []*cell) (next *cell) {
	lowest := 0
	for _, other := range layers {
		rank := c.env.rank(other.env)
		if through := p.through[other]; rank < 0 && through != nil {
			rank = c.env.rank(through)
		}
		if rank > 0 && (next == nil || rank < lowest) { // 0: c stands there itself
			next, lowest = other, rank
		}
	}
	return next
}

// borrow remembers that p has cells through c, a reference to them: they are
// below whoever merges the definition that refers to them.
func (r *run) borrow(p *place, c *cell, cells []*cell) {
	if !r.finals || len(p.layers) == 1 {
		return
	}
	env := c.env
	if through := p.through[c]; through != nil {
		env = through
	}
	for _, borrowed := range cells {
		if borrowed.env != env && p.through[borrowed] == nil {
			p.reaches(borrowed, env)
		}
	}
}

func (p *place) reaches(c *cell, env *environment) {
	if p.through == nil {
		p.through = map[*cell]*environment{}
	}
	p.through[c] = env
}

// pile makes a place of the layers of a property of p, which are as borrowed as
// what they are properties of.
func (p *place) pile(layers []*cell) *place {
	child := pile(layers)
	if p.through == nil || len(layers) == 1 {
		return child
	}
	for _, c := range layers {
		if c.constant || c.expr.parent == nil {
			continue
		}
		if env := p.through[c.env.cell(c.expr.parent)]; env != nil {
			child.reaches(c, env)
		}
	}
	return child
}

// combined seals the value x of p if that is, or stands for, a fn::final that
// holds a secret: a function's result is as secret as what it is made from.
func (r *run) combined(p *place, x result) (result, bool) {
	inner := p.final()
	if inner == p {
		return x, true
	}
	v, ok := r.value(inner)
	if v.secret && !x.value.IsSecret() {
		x.value, x.secret = x.value.Sealed(), true
	}
	return x, ok
}

// final returns what fn::final at the top of p holds, p itself if there is
// none. References to p are final, too.
func (p *place) final() *place {
	if p.inner != nil {
		return p.inner
	}
	p.inner = p
	switch top := p.layers[0]; {
	case top.isFinal():
		p.inner = top.env.cell(top.expr.items[0]).alone()
	case !top.constant && top.named != nil:
		if inner := top.named.final(); inner != top.named {
			p.inner = inner
		}
	}
	return p.inner
}

// own returns what p holds as text has it: of an object, only what its
// uppermost layer says. Definitions count on that. fn::final and fn::validate
// do the same, but not to what lies deeper.
func (r *run) own(p *place) (result, bool) {
	x, ok := r.value(p)
	switch {
	case !ok || !x.merged:
		return x, ok
	case r.owning[p]: // it leads back to itself, which was reported
		return unknownResult(), true
	}
	r.owning[p] = true
	defer delete(r.owning, p)
	top, ready := p.solidCells[0], true
	y := result{secret: x.value.IsSecret()}
	take := func(p *place) esc.Value {
		part, ok := r.own(p)
		ready = ready && ok
		y.include(part)
		return part.value
	}
	switch {
	case top.isLiteralObject():
		fields := make(map[string]esc.Value, len(top.expr.names))
		for _, name := range top.expr.names {
			fields[name] = take(p.children[name])
		}
		y.value = esc.New(fields)
	case !top.constant && top.expr.kind == list:
		items := make([]esc.Value, len(top.expr.items))
		for i, item := range top.expr.items {
			items[i] = take(top.env.cell(item).alone())
		}
		y.value = esc.New(items)
	default:
		return r.compute(top)
	}
	return y, ready
}
