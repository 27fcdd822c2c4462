package eval

import (
	"context"
	"errors"
	"fmt"

	"github.com/escenv/escenv/internal/esc"
)

// Something pending is work beside everything else that a cell waits for: a
// fn::open, a rotation, a decryption.
type pending struct {
	done  bool
	value result
}

// await begins work for c, which is not ready until that is done. What work
// returns is called by the goroutine that computes.
func (r *run) await(c *cell, work func(context.Context) (settle func() result)) (result, bool) {
	c.waits = &pending{}
	r.start(func(ctx context.Context) func() {
		settle := work(ctx)
		return func() { c.waits.done, c.waits.value = true, settle() }
	})
	return result{}, false
}

// open computes fn::open: it starts the provider and is not ready until that
// has answered. While checking, nothing is started and the value is unknown.
func (r *run) open(c *cell) (result, bool) {
	x, ok := r.value(c.env.cell(c.expr.items[0]).alone())
	if !ok {
		return result{}, false
	}
	provider := r.provider(c)
	if provider == nil {
		return unknownResult(), true
	}
	r.made += x.size
	if !r.reports(c, provider.Check(x.value)) || x.unknown || r.checking || r.crowded(c) {
		return unknownFrom(provider), true
	}
	at := r.site(c)
	return r.await(c, func(ctx context.Context) func() result {
		opened, err := provider.Open(ctx, x.value, at)
		return func() result { return r.settle(c, opened, err, x.leases) }
	})
}

func (r *run) site(c *cell) esc.Site {
	return esc.Site{Root: r.rootOf(c.env).def.source.Name, Current: c.env.def.source.Name}
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

// crowded counts what is opened, and reports when that is too much.
func (r *run) crowded(c *cell) bool {
	if r.opens++; r.opens > maxOpens {
		r.errorAt(c, fmt.Sprintf("more than %d providers are opened", maxOpens), "")
	}
	return r.opens > maxOpens
}

// reports adds what a provider finds wrong with its arguments, at the
// argument, and returns whether it can be opened nevertheless.
func (r *run) reports(c *cell, found esc.Diagnostics) bool {
	for _, d := range found {
		if !r.room(d.Warning) {
			continue
		}
		at := diagnose(c.env.def.source, r.argumentAt(c.expr, d.Path), d.Summary, d.Hint)
		at.Warning = d.Warning
		r.add(at)
	}
	return found.Err() == nil
}

// argumentAt returns the expression nearest to a path in the arguments of a
// call. It is relative to the inputs of fn::open and the value of fn::validate,
// and begins with inputs or state for fn::rotate.
func (r *run) argumentAt(call *expr, path string) *expr {
	steps, err := parsePath(path)
	arg := call.items[len(call.items)-1]
	if call.fn == "rotate" {
		arg = call
		if err == nil && len(steps) > 0 {
			arg, steps = call.items[0], steps[1:]
			if path[0] == 's' {
				arg = call.items[1]
			}
		}
	}
	if err != nil {
		return arg
	}
	return arg.at(steps)
}

// at returns the expression nearest to a path below e, as far as it is written
// there.
func (e *expr) at(steps []step) *expr {
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

// settle takes what a provider answered. The value rests on it, and on all its
// inputs do.
func (r *run) settle(c *cell, opened esc.Opened, err error, inputs *leases) result {
	if err != nil {
		r.failed(c, "opening "+c.expr.provider, err)
		return unknownResult() // nothing more is to be said of it
	}
	name := fmt.Sprintf("%s at %s:%d:%d", clip(c.expr.provider), c.env.def.source.Name, c.expr.line, c.expr.column)
	r.leases = append(r.leases, esc.Lease{Name: name, Expires: opened.Expires, Renew: opened.Renew, Delay: opened.Delay})
	x := measure(opened.Value)
	x.leases = lease(len(r.leases) - 1).with(inputs)
	return x
}

// failed keeps an *esc.Error, on which the caller may act, apart from the
// errors of the definition.
func (r *run) failed(c *cell, doing string, err error) {
	var known *esc.Error
	if !errors.As(err, &known) {
		r.errorAt(c, fmt.Sprintf("%s: %s", doing, err), "")
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
