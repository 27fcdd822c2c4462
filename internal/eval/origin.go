package eval

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// maxOrigins bounds how many places Origins tells. What is in one beyond them
// came from where the whole did.
const maxOrigins = 50_000

// Origins tells where the value at a path of a definition was written, and
// what is in it; the whole of it for the path "". Nothing is opened.
func (e *Evaluator) Origins(ctx context.Context, ref esc.Ref, path string) (*esc.Origin, error) {
	var steps []step
	if path != "" {
		var err error
		if steps, err = parsePath(path); err != nil {
			return nil, err
		}
	}
	r, err := e.begin(ctx, ref, make(chan struct{}, maxParallel), mode{checking: true, lenient: true, tracing: true})
	if err != nil {
		return nil, err
	}
	defer r.cancel()
	var out *esc.Origin
	err = r.finish(func() bool {
		p, ok := r.origin(steps)
		if !ok || p == nil {
			return ok
		}
		t := tracer{run: r, lines: map[*Source][]string{}}
		out, ok = t.trace(p)
		return ok
	})
	return out, err
}

// origin is the place that a path leads to, or the last on the way to it that
// was written.
func (r *run) origin(steps []step) (*place, bool) {
	p := r.root.place()
	for _, s := range steps {
		next, wrong, ok := r.descend(p, s)
		switch {
		case !ok:
			return nil, false
		case wrong != nil || next.layers[0].constant:
			return p, true
		}
		p = next
	}
	return p, true
}

// A tracer follows places down.
type tracer struct {
	*run
	lines map[*Source][]string
	count int
	depth int
}

// trace tells where p was written, and what is in it. ok is false if something
// has to be loaded first.
func (t *tracer) trace(p *place) (out *esc.Origin, ok bool) {
	t.count++
	t.depth++
	defer func() { t.depth-- }()
	out = t.written(p.layers)
	if t.depth > maxNesting || t.count > maxOrigins {
		return out, true
	}
	cells, ok := t.solid(p)
	if !ok {
		return nil, false
	}
	top := cells[0]
	object, ok := t.isObject(top)
	switch {
	case !ok:
		return nil, false
	case object:
		return out, t.fields(out, p, cells)
	case !top.constant && top.expr.kind == list:
		return out, t.items(out, top)
	}
	return out, true
}

func (t *tracer) fields(out *esc.Origin, p *place, cells []*cell) (ok bool) {
	t.expand(p, cells)
	out.Fields = make(map[string]*esc.Origin, len(p.names))
	for _, name := range p.names {
		if out.Fields[name], ok = t.trace(p.children[name]); !ok {
			return false
		}
	}
	return true
}

func (t *tracer) items(out *esc.Origin, list *cell) bool {
	for _, item := range list.expr.items {
		of, ok := t.trace(list.env.cell(item).alone())
		if !ok {
			return false
		}
		out.Items = append(out.Items, of)
	}
	return true
}

// written tells where the first of layers stands, over the others.
func (t *tracer) written(layers []*cell) *esc.Origin {
	var first, last *esc.Origin
	for _, c := range layers {
		src := c.env.def.source
		begin, end := t.span(src, c.expr)
		next := &esc.Origin{Environment: src.Name, Begin: begin, End: end}
		switch {
		case c.constant && first != nil: // an import that is missing
		case first == nil:
			first, last = next, next
		default:
			last.Base, last = next, next
		}
	}
	return first
}

// span is where e stands. A list or object ends behind the last scalar in it;
// an end that is not certain is zero.
func (t *tracer) span(src *Source, e *expr) (begin, end esc.Position) {
	begin = esc.Position{File: src.file(), Line: e.line, Column: e.column}
	last := &expr{line: e.line, column: e.column, raw: e.raw}
	if e.last != nil {
		last = &expr{line: e.last.Line, column: e.last.Column, raw: e.last.Value}
	}
	offset, ok := rawOffset([]byte(t.line(src, last.line)), &expr{line: 1, column: last.column, raw: last.raw})
	if !ok {
		return begin, end
	}
	width := utf8.RuneCountInString(last.raw) + 2*offset
	return begin, esc.Position{File: begin.File, Line: last.line, Column: last.column + width}
}

// line is the function line for a text that is asked for many of them.
func (t *tracer) line(src *Source, number int) string {
	if t.lines[src] == nil {
		t.lines[src] = strings.Split(string(src.Text), "\n")
	}
	if number > len(t.lines[src]) {
		return ""
	}
	return t.lines[src][number-1]
}
