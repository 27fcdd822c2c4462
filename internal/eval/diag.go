package eval

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// file is how diagnostics name a text.
func (s *Source) file() string {
	if s.File != "" {
		return s.File
	}
	return s.Name
}

// diagnose returns an error about e of the text src.
func diagnose(src *Source, e *expr, summary, hint string) esc.Diagnostic {
	return diagnoseRange(src, e, 0, len(e.raw), summary, hint)
}

// diagnoseRange is diagnose for some bytes of a scalar's text, if they can be
// found in the file; else it is about all of e.
func diagnoseRange(src *Source, e *expr, start, end int, summary, hint string) esc.Diagnostic {
	d := esc.Diagnostic{
		Position: esc.Position{File: src.file(), Line: e.line, Column: e.column},
		Path:     e.path(), Summary: summary, Hint: hint, End: endOf(src, e),
	}
	if offset, ok := rawOffset(src.Text, e); ok {
		d.Column = e.column + offset + utf8.RuneCountInString(e.raw[:start])
		width := utf8.RuneCountInString(e.raw[start:end])
		if start == 0 && end == len(e.raw) {
			d.Column, width = e.column, width+2*offset
		}
		d.End = esc.Position{File: d.File, Line: d.Line, Column: d.Column + width}
	}
	d.Excerpt = src.excerpt(d)
	return d
}

// endOf returns where e ends: a list or object ends behind the last scalar in
// it. It is zero if that is not certain.
func endOf(src *Source, e *expr) esc.Position {
	last := e
	if e.last != nil {
		last = &expr{line: e.last.Line, column: e.last.Column, raw: e.last.Value}
	}
	offset, ok := rawOffset(src.Text, last)
	width := utf8.RuneCountInString(last.raw) + 2*offset
	if last.raw == "" {
		rest := fromColumn(readable(src.Text, last.line), last.column)
		ok = true
		for _, empty := range []string{`""`, "''", "[]", "{}"} {
			if strings.HasPrefix(rest, empty) {
				width = len(empty)
			}
		}
	}
	if !ok {
		return esc.Position{}
	}
	return esc.Position{File: src.file(), Line: last.line, Column: last.column + width}
}

// rawOffset finds a scalar's text in its line: 0 characters from where it
// begins, or 1 behind a quote. Escaped and folded text is not found.
func rawOffset(text []byte, e *expr) (int, bool) {
	rest := fromColumn(readable(text, e.line), e.column)
	if e.raw == "" || strings.ContainsRune(e.raw, '\n') {
		return 0, false
	}
	if strings.HasPrefix(rest, e.raw) {
		return 0, true
	}
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') && strings.HasPrefix(rest[1:], e.raw+rest[:1]) {
		return 1, true
	}
	return 0, false
}

// line returns line n of text, from 1.
func line(text []byte, n int) string { return string(lineBytes(text, n)) }

func lineBytes(text []byte, n int) []byte {
	for ; n > 1; n-- {
		_, after, ok := bytes.Cut(text, []byte("\n"))
		if !ok {
			return nil
		}
		text = after
	}
	before, _, _ := bytes.Cut(text, []byte("\n"))
	return before
}

// readable is line, but nothing if that is longer than anybody reads: looking
// for the places of a hundred mistakes in it would take long.
func readable(text []byte, n int) string {
	const most = 16 << 10
	found := lineBytes(text, n)
	if len(found) > most {
		return ""
	}
	return string(found)
}

// fromColumn returns what stands at column and behind it, from 1.
func fromColumn(line string, column int) string {
	for ; column > 1 && line != ""; column-- {
		_, size := utf8.DecodeRuneInString(line)
		line = line[size:]
	}
	return line
}

// notes collects diagnostics, as many as anybody reads. Whoever makes one asks
// first whether there is room: finding the place of one takes time.
type notes struct {
	said  esc.Diagnostics
	known map[esc.Diagnostic]bool
	count map[bool]int // of warnings, and of errors
}

// room reports whether another error, or warning, is of use. Warnings never
// crowd out errors.
func (n *notes) room(warning bool) bool { return n.count[warning] < maxDiagnostics }

// add notes d, once: what is asked for again is found wrong again.
func (n *notes) add(d esc.Diagnostic) {
	if !n.room(d.Warning) || n.known[d] {
		return
	}
	if n.count == nil {
		n.count, n.known = map[bool]int{}, map[esc.Diagnostic]bool{}
	}
	n.count[d.Warning]++
	n.known[d] = true
	n.said = append(n.said, d)
}

// tidy sorts, drops what was said twice, and bounds.
func tidy(ds esc.Diagnostics) esc.Diagnostics {
	ds = append(esc.Diagnostics{}, ds...)
	ds.Sort()
	var out notes
	for _, d := range ds {
		out.add(d)
	}
	return out.said
}
