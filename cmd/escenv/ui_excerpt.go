package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"github.com/escenv/escenv/internal/esc"
)

// What is wrong in a definition is shown where it stands:
//
//	shop/dev:3:10: unknown property "pasword"
//	  3 | url: ${db.pasword}
//	    |           ^^^^^^^
//
// The number before the line is more than an ornament: without it a line of
// somebody's file could be a command to whatever reads a CI job's log.

// maxDiagnostics is how many are printed: a file that is something else
// altogether is wrong in every line.
const maxDiagnostics = 10

// pageWidth is how wide excerpts are where there is no terminal to ask.
const pageWidth = 100

// printDiagnostics prints the first of what is wrong.
func (p *program) printDiagnostics(diags esc.Diagnostics) {
	p.printSome(diags, maxDiagnostics)
}

// printSome prints at most so many, and a hint once.
func (p *program) printSome(diags esc.Diagnostics, most int) {
	look := p.look(p.stderr)
	hint := ""
	for i, d := range diags {
		if i == most {
			p.say(fmt.Sprintf("and %d more", len(diags)-i))
			return
		}
		d.File = p.nameOf(d.File)
		fmt.Fprint(p.talk(), look.diagnostic(d))
		if d.Hint != "" && d.Hint != hint {
			p.sayHint(d.Hint)
		}
		hint = d.Hint
	}
}

// A look is what the reader of a file has: how many columns, and colours or
// not.
type look struct {
	columns int
	colours bool
}

// look finds out about a file. Colours are for terminals that know them, and
// for people who did not say no (https://no-color.org).
func (p *program) look(file *os.File) look {
	if !isatty.IsTerminal(file.Fd()) {
		return look{columns: pageWidth}
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil || columns <= 0 {
		columns = pageWidth
	}
	kind := p.getenv("TERM")
	return look{columns: columns, colours: kind != "" && kind != "dumb" && p.getenv("NO_COLOR") == ""}
}

// The looks of text, as ECMA-48 numbers them.
const (
	bold   = "1"
	faint  = "2"
	red    = "1;31"
	yellow = "1;33"
)

func (l look) paint(how, text string) string {
	if !l.colours || text == "" {
		return text
	}
	return "\x1b[" + how + "m" + text + "\x1b[m"
}

// diagnostic writes d with its line.
func (l look) diagnostic(d esc.Diagnostic) string {
	colour, summary := red, d.Summary
	if d.Warning {
		colour, summary = yellow, "warning: "+summary
	}
	var b strings.Builder
	if d.File != "" {
		b.WriteString(l.paint(bold, safe(d.Position.String())+":") + " ")
	}
	b.WriteString(safe(summary) + "\n")
	if d.Excerpt == (esc.Excerpt{}) {
		return b.String()
	}
	number := strconv.Itoa(d.Line)
	gutter := "  " + strings.Repeat(" ", len(number)) + " | "
	text, pad, marks := underlined(d.Excerpt, l.columns-len(gutter)-1)
	b.WriteString(l.paint(faint, "  "+number+" | ") + text + "\n")
	b.WriteString(l.paint(faint, gutter) + pad + l.paint(colour, marks) + "\n")
	return b.String()
}

// underlined writes an excerpt in at most so many columns, without the blanks
// it begins with: the line, and below it what leads up to the range, in
// blanks, and the marks below that.
func underlined(e esc.Excerpt, columns int) (text, pad, marks string) {
	const narrowest = 20
	columns = max(columns, narrowest)
	before, marked, after := strings.TrimLeft(safe(e.Before), " "), safe(e.Marked), safe(e.After)
	before = lastColumns(before, max(columns/2, columns-width(marked)))
	marked = firstColumns(marked, columns-width(before))
	after = firstColumns(after, columns-width(before)-width(marked))
	return strings.TrimRight(before+marked+after, " "), strings.Repeat(" ", width(before)), strings.Repeat("^", max(1, width(marked)))
}

// firstColumns cuts text where it would be wider than columns.
func firstColumns(text string, columns int) string {
	if width(text) <= columns {
		return text
	}
	if columns <= 0 {
		return ""
	}
	used := 0
	for i, c := range text {
		if used += cells(c); used > columns-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// lastColumns is firstColumns from the other end.
func lastColumns(text string, columns int) string {
	over := width(text) - columns
	if over <= 0 {
		return text
	}
	dropped := 0
	for i, c := range text {
		if dropped > over { // one more for the ellipsis
			return "…" + text[i:]
		}
		dropped += cells(c)
	}
	return "…"
}

// width is how many columns of a terminal text takes.
func width(text string) (columns int) {
	for _, c := range text {
		columns += cells(c)
	}
	return columns
}

// cells is how many columns c takes: none if it goes on top of the one before,
// two in the scripts of East Asia and for most pictures.
func cells(c rune) int {
	switch {
	case c < 0x300:
		return 1
	case unicode.In(c, unicode.Mn, unicode.Me):
		return 0
	}
	for _, r := range wide {
		if r[0] <= c && c <= r[1] {
			return 2
		}
	}
	return 1
}

// wide are the characters that take two columns (Unicode's East_Asian_Width W
// and F), with small gaps between them filled.
var wide = [...][2]rune{
	{0x1100, 0x115f},   // Hangul Jamo
	{0x231a, 0x231b},   // watches
	{0x2329, 0x232a},   // angle brackets
	{0x23e9, 0x23ec},   // arrows of a player
	{0x2e80, 0x303e},   // radicals, punctuation
	{0x3041, 0xa4cf},   // Kana, Bopomofo, Han, Yi
	{0xa960, 0xa97f},   // more Jamo
	{0xac00, 0xd7a3},   // Hangul
	{0xf900, 0xfaff},   // more Han
	{0xfe10, 0xfe19},   // vertical forms
	{0xfe30, 0xfe6f},   // small forms
	{0xff01, 0xff60},   // full-width forms
	{0xffe0, 0xffe6},   // full-width signs
	{0x16fe0, 0x1b2ff}, // Tangut, more Kana
	{0x1f300, 0x1f64f}, // pictures, faces
	{0x1f680, 0x1f6ff}, // vehicles
	{0x1f900, 0x1f9ff}, // more pictures
	{0x20000, 0x3fffd}, // still more Han
}
