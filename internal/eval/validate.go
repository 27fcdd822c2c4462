package eval

import (
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/schema"
)

// validate computes fn::validate: the value itself, once it is what the schema
// describes.
func (r *run) validate(c *cell) (result, bool) {
	described, ok := r.value(c.env.cell(c.expr.items[0]).alone())
	x, ok2 := r.value(c.env.cell(c.expr.items[1]).alone())
	if !ok || !ok2 {
		return result{}, false
	}
	good := true
	if !described.unknown {
		good = r.holds(c, described, x)
	}
	switch {
	case !good || x.unknown:
		return unknownLike(x, ""), true
	case x.secret:
		x.value = x.value.Sealed()
	}
	x.leases = x.leases.with(described.leases)
	return r.uppermost(c.env.cell(c.expr.items[1]).alone(), x), true
}

// uppermost returns the value x of p without what only lower layers say.
func (r *run) uppermost(p *place, x result) result {
	fields, isObject := x.value.Object()
	if len(p.solidCells) < 2 || !isObject {
		return x
	}
	kept := make(map[string]esc.Value)
	for _, name := range p.solidCells[0].names() {
		kept[name] = fields[name]
	}
	sealed := x.value.IsSecret()
	if x.value = esc.New(kept); sealed {
		x.value = x.value.Sealed()
	}
	return x
}

// holds reports where a schema is wrong, and where a value is not what it
// describes.
func (r *run) holds(c *cell, described, x result) bool {
	r.made += described.size
	s, said := schema.Parse(described.value)
	at := c.env.cell(c.expr.items[0])
	r.validationAt(at, said, described.secret)
	if said.Err() != nil {
		return false
	}
	wrong := s.Check(x.value, &r.checks)
	r.validationAt(c.env.cell(c.expr.items[1]), wrong, described.secret)
	return len(wrong) == 0
}

// validationAt reports what was found in the value of c. What a secret schema
// expects is not told.
func (r *run) validationAt(c *cell, found esc.Diagnostics, secret bool) {
	for _, d := range found {
		if !r.room(d.Warning) {
			continue
		}
		if secret {
			d.Summary, d.Hint = "the value is not what the schema describes", ""
		}
		at := c.expr
		if steps, err := parsePath("x" + d.Path); err == nil {
			at = at.at(steps[1:])
		}
		said := diagnose(c.env.def.source, at, d.Summary, d.Hint)
		said.Warning = d.Warning
		r.add(said)
	}
}
