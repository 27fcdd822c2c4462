package eval

import (
	"slices"

	"github.com/escenv/escenv/internal/esc"
)

// fn::final forbids overriding a value, to whoever merges the definition it
// stands in. References to such a value are as final as it is.

// obeyFinal returns layers without what overrides a fn::final value of what
// its own definition merges. Definitions that only stand beside each other may
// override each other.
func (r *run) obeyFinal(layers []*cell) ([]*cell, bool) {
	if len(layers) == 1 || !r.finals || layers[0].expr.parent == nil { // nil: values itself
		return layers, true
	}
	r.steps += len(layers) * len(layers) / 64
	kept := slices.Clone(layers)
	for _, upper := range slices.Backward(layers) {
		final, ok := r.isFinal(upper.overridden(kept))
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
func (c *cell) overridden(layers []*cell) *cell {
	var next *cell
	for _, other := range layers {
		if c.env.below(other.env) && (next == nil || c.env.rank(other.env) < c.env.rank(next.env)) {
			next = other
		}
	}
	return next
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
