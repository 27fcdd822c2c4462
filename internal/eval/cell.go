package eval

import (
	"fmt"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

// A cell is one expression in a run. It is computed at most once.
type cell struct {
	env  *environment
	expr *expr

	constant    bool // result is all there is to it
	state       state
	wave        int
	result      result
	targetState state
	named       *place // reference: what it names
	waits       *pending

	self  place // see alone
	layer [1]*cell
}

// alone returns the place of c with nothing below it.
func (c *cell) alone() *place {
	if c.self.layers == nil {
		c.layer[0] = c
		c.self.layers = c.layer[:]
	}
	return &c.self
}

func (c *cell) isFinal() bool {
	return !c.constant && c.expr.kind == call && c.expr.fn == "final"
}

func (c *cell) isLiteralObject() bool { return !c.constant && c.expr.kind == object }

func (c *cell) isUnknown() bool { return c.state == done && c.result.value.IsUnknown() }

// field returns a property of an object cell, nil if it has none. Nobody
// knows what an unknown has, so it has everything.
func (c *cell) field(name string) *cell {
	if c.isLiteralObject() {
		if field := c.expr.fields[name]; field != nil {
			return c.env.cell(field)
		}
		return nil
	}
	if c.isUnknown() {
		if shape := shapeOf(c.result.value).Property(name); shape != nil && !shape.Never() {
			return constant(c, unknownOf(shape))
		}
		return constant(c, unknownResult())
	}
	fields, _ := c.result.value.Object()
	if v, ok := fields[name]; ok {
		return c.part(v)
	}
	return nil
}

// part returns a cell for a part of the value of c.
func (c *cell) part(v esc.Value) *cell {
	x := measure(v)
	x.leases = c.result.leases
	return constant(c, x)
}

// names returns the properties of an object cell.
func (c *cell) names() []string {
	if c.isLiteralObject() {
		return c.expr.names
	}
	return c.result.value.Keys()
}

// isObject reports whether c, no reference, is an object. Only what may turn
// out to be one is computed for it.
func (r *run) isObject(c *cell) (yes, ok bool) {
	if !c.constant {
		switch c.expr.kind {
		case object:
			return true, true
		case call:
			if !c.expr.mayGiveObject() {
				return false, true
			}
		default:
			return false, true
		}
	}
	x, ok := r.compute(c)
	return x.isObject(), ok
}

// mayGiveObject reports whether a call may turn out to be an object.
func (e *expr) mayGiveObject() bool {
	switch e.fn {
	case "open", "rotate", "fromJSON", "fromYAML", "validate":
		return true
	}
	return false
}

// target returns what a reference or fn::final stands for; nil if c is
// neither.
func (r *run) target(c *cell) (*place, bool) {
	switch {
	case c.constant:
		return nil, true
	case c.isFinal():
		return c.env.cell(c.expr.items[0]).alone(), true
	case c.expr.kind != reference || c.named != nil:
		return c.named, true
	case c.targetState == busy:
		r.cycle(c.alone())
		return r.unknown(c), true
	}
	c.targetState = busy
	p, ok := r.follow(c, 0)
	c.targetState = idle
	if ok {
		c.named = p
	}
	return p, ok
}

// compute returns what c holds, an expression of any kind but object.
func (r *run) compute(c *cell) (result, bool) {
	switch {
	case c.state == done:
		return c.result, true
	case c.state == busy:
		return r.cycle(c.alone()), true
	case c.wave == r.wave:
		return result{}, false
	}
	c.state = busy
	x, ok := r.evaluate(c)
	if !ok {
		c.state, c.wave = idle, r.wave
		return result{}, false
	}
	x = r.bounded(c, x)
	if c.expr.kind == call || c.expr.kind == interpolation {
		r.made += x.size
	}
	if x.secret && c.makesText() {
		r.note(x.value)
	}
	c.state, c.result = done, x
	return x, true
}

// makesText reports whether c may hold a string that no other cell does.
func (c *cell) makesText() bool {
	return c.expr.kind != list && c.expr.fn != "concat" && c.expr.fn != "validate"
}

func (r *run) evaluate(c *cell) (result, bool) {
	switch c.expr.kind {
	case literal:
		return scalarResult(c.expr.value), true
	case interpolation:
		return r.interpolate(c)
	case list:
		return r.list(c, c.expr.items)
	case call:
		return r.call(c)
	default: // broken, and it was reported
		return unknownResult(), true
	}
}

// list computes every item, even when one is not ready: they may all be
// opened at once.
func (r *run) list(c *cell, items []*expr) (result, bool) {
	take := r.value
	if c.expr.fn == "toString" {
		take = r.own
	}
	values := make([]esc.Value, len(items))
	var x result
	ready := true
	for i, item := range items {
		element, ok := take(c.env.cell(item).alone())
		ready = ready && ok
		values[i] = element.value
		x.include(element)
	}
	x.value = esc.New(values)
	return x, ready
}

func (r *run) interpolate(c *cell) (result, bool) {
	var text strings.Builder
	var x result
	ready, read := true, 0
	for i, part := range c.expr.parts {
		text.WriteString(part.text)
		if part.path == nil {
			continue
		}
		v, ok := r.reference(c, i)
		ready = ready && ok
		x.unknown, x.secret, x.leases = x.unknown || v.unknown, x.secret || v.secret, x.leases.with(v.leases)
		if ok && !x.unknown && text.Len() <= maxValue {
			text.WriteString(interpolated(v.value))
		}
		if v.nesting > 0 {
			read += v.size
		}
	}
	if !ready {
		return result{}, false
	}
	r.made += read
	return r.text(c, text.String(), x), true
}

// reference returns the value that part i of an interpolation names.
func (r *run) reference(c *cell, i int) (result, bool) {
	p, ok := r.follow(c, i)
	if !ok {
		return result{}, false
	}
	asking := r.asking
	r.asking = c
	defer func() { r.asking = asking }()
	return r.own(p)
}

// text is a computed string, as unknown and as secret as what it came from.
func (r *run) text(c *cell, text string, from result) result {
	v := esc.New(text)
	if from.secret {
		v = v.AsSecret()
	}
	switch {
	case from.unknown:
		return unknownLike(from, "string")
	case len(text) > maxValue:
		r.errorAt(c, tooLarge(maxValue), "")
		return unknownResult()
	}
	x := scalarResult(v)
	x.leases = from.leases
	return x
}

// A problem is why a path leads nowhere.
type problem struct{ summary, hint string }

// follow finds what part i of c refers to. What is wrong on the way is
// reported and gives an unknown.
func (r *run) follow(c *cell, i int) (*place, bool) {
	asking := r.asking
	r.asking = c
	defer func() { r.asking = asking }()
	part := c.expr.parts[i]
	start, end := part.start, part.end
	p, rest, wrong, ok := r.begins(c, part.path)
	for _, s := range rest {
		if p == nil || !ok {
			break
		}
		start, end = s.start, s.end
		p, wrong, ok = r.descend(p, s)
	}
	if wrong != nil {
		r.rangeError(c, start, end, wrong.summary, wrong.hint)
	}
	if ok && p == nil {
		p = r.unknown(c)
	}
	return p, ok
}

// descend goes one step down from p.
func (r *run) descend(p *place, s step) (*place, *problem, bool) {
	cells, ok := r.solid(p)
	if !ok {
		return nil, nil, false
	}
	top := cells[0]
	isObject, ok := r.isObject(top)
	switch {
	case !ok:
		return nil, nil, false
	case isObject:
		return r.property(p, s)
	case !top.constant && top.expr.kind == list:
		return r.item(top, s)
	}
	x, ok := r.compute(top)
	if !ok {
		return nil, nil, false
	}
	if x.value.IsUnknown() {
		next, wrong := below(shapeOf(x.value), s)
		if wrong != nil || next == nil {
			return r.unknown(top), wrong, true
		}
		return constant(top, unknownOf(next)).alone(), nil, true
	}
	elements, isList := x.value.List()
	if !isList {
		return nil, &problem{summary: fmt.Sprintf("%s has no %s", x.value.AKind(), clip(s.bare()))}, true
	}
	if wrong := outOfRange(s, len(elements)); wrong != nil {
		return nil, wrong, true
	}
	if known := p.children[s.String()]; known != nil {
		return known, nil, true
	}
	return p.adopt(s.String(), top.part(elements[s.index]).alone()), nil, true
}

// item returns one item of a list as it is written.
func (r *run) item(list *cell, s step) (*place, *problem, bool) {
	if wrong := outOfRange(s, len(list.expr.items)); wrong != nil {
		return nil, wrong, true
	}
	return list.env.cell(list.expr.items[s.index]).alone(), nil, true
}

func noIndex() *problem { return &problem{"an object has no index", `write a name: ["name"]`} }

func outOfRange(s step, length int) *problem {
	switch {
	case !s.isIndex:
		return &problem{fmt.Sprintf("a list has no property %q", clip(s.name)), "write an index: [0]"}
	case s.index >= length:
		return &problem{summary: fmt.Sprintf("index %d is out of range: the list has %d", s.index, length)}
	}
	return nil
}

func (r *run) property(p *place, s step) (*place, *problem, bool) {
	if s.isIndex {
		return nil, noIndex(), true
	}
	child, ok := r.child(p, s.name)
	if ok && child == nil {
		return nil, &problem{fmt.Sprintf("unknown property %q", clip(s.name)), r.suggest(s.name, p)}, true
	}
	return child, nil, ok
}

// suggest hints at the property of p that was meant, while anybody reads it.
func (r *run) suggest(name string, p *place) string {
	cells, ok := r.solid(p)
	if !ok || !r.room(false) {
		return ""
	}
	if _, ok := r.told[p]; !ok {
		r.told[p] = toldNames(cells)
	}
	return esc.DidYouMean(name, r.told[p])
}

// toldNames returns the properties of an object with these layers, without
// those that only a secret tells.
func toldNames(cells []*cell) []string {
	told := make([]string, 0, width(cells))
	for _, c := range cells {
		fields, _ := c.result.value.Object()
		for _, name := range c.names() {
			if c.isLiteralObject() || !c.result.value.IsSecret() || !fields[name].IsSecret() {
				told = append(told, name)
			}
		}
	}
	return told
}
