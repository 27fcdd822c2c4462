package eval

import (
	"context"
	"errors"
	"fmt"

	"github.com/escenv/escenv/internal/esc"
)

// An opening is one fn::open under way.
type opening struct {
	done  bool
	value result
}

// open computes fn::open: it starts the provider and is not ready until that
// has answered. While checking, nothing is started and the value is unknown.
func (r *run) open(c *cell) (result, bool) {
	if c.opening != nil {
		return c.opening.value, c.opening.done
	}
	inputs := c.expr.items[0]
	x, ok := r.value(c.env.cell(inputs).alone())
	if !ok {
		return result{}, false
	}
	provider := r.provider(c)
	if provider == nil || !r.checks(c, provider, x) || x.unknown || r.checking {
		return unknownResult(), true
	}
	c.opening = &opening{}
	at := esc.Site{Root: r.root.def.source.Name, Current: c.env.def.source.Name}
	r.start(func(ctx context.Context) func() {
		opened, err := provider.Open(ctx, x.value, at)
		return func() { r.settleOpening(c, opened, err) }
	})
	return result{}, false
}

func (r *run) provider(c *cell) esc.Provider {
	if p := r.catalog[c.expr.provider]; p != nil {
		r.opened[c.expr.provider] = true
		return p
	}
	var names []string
	for name := range r.catalog {
		names = append(names, name)
	}
	r.errorAt(c, fmt.Sprintf("unknown provider %q", clip(c.expr.provider)), esc.DidYouMean(c.expr.provider, names))
	return nil
}

// checks reports what the provider finds wrong with inputs, at the input.
func (r *run) checks(c *cell, provider esc.Provider, inputs result) bool {
	found := provider.Check(inputs.value)
	for _, d := range found {
		if !r.room(d.Warning) {
			continue
		}
		at := diagnose(c.env.def.source, r.inputAt(c.expr.items[0], d.Path), d.Summary, d.Hint)
		at.Warning = d.Warning
		r.add(at)
	}
	return found.Err() == nil
}

// inputAt returns the expression nearest to a path in inputs.
func (r *run) inputAt(e *expr, path string) *expr {
	steps, err := parsePath(path)
	if err != nil {
		return e
	}
	for _, s := range steps {
		next := e.fields[s.name]
		if s.isIndex && e.kind == list && s.index < len(e.items) {
			next = e.items[s.index]
		}
		if next == nil {
			return e
		}
		e = next
	}
	return e
}

func (r *run) settleOpening(c *cell, opened esc.Opened, err error) {
	c.opening.done = true
	if err != nil {
		c.opening.value = unknownResult()
		r.openingFailed(c, err)
		return
	}
	r.expires = earliest(r.expires, opened.Expires)
	c.opening.value = measure(opened.Value)
}

// openingFailed keeps an *esc.Error, on which the caller may act, apart from
// the errors of the definition.
func (r *run) openingFailed(c *cell, err error) {
	var known *esc.Error
	if !errors.As(err, &known) {
		r.errorAt(c, fmt.Sprintf("opening %s: %s", c.expr.provider, err), "")
		return
	}
	at := diagnose(c.env.def.source, c.expr, known.Summary, known.Hint)
	r.failures = append(r.failures, failure{at, known})
}

// describe returns the words of an error.
func describe(err error) (summary, hint string) {
	if known, ok := errors.AsType[*esc.Error](err); ok {
		return known.Summary, known.Hint
	}
	return err.Error(), ""
}
