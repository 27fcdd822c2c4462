package activation

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// maxRefs is how many layers a .escenv may name.
const maxRefs = 32

// Parse reads the text of a .escenv: comments, blank lines, and one reference
// or one path that begins with ./ or ../ on each other line. Paths are taken
// relative to dir. What is wrong comes as esc.Diagnostics that call the file
// by that name.
func Parse(text []byte, name, dir string) ([]esc.Ref, error) {
	refs, _, err := parse(text, name, dir)
	return refs, err
}

// parse also returns where each reference stands.
func parse(text []byte, name, dir string) ([]esc.Ref, []esc.Position, error) {
	var refs []esc.Ref
	var positions []esc.Position
	var diags esc.Diagnostics
	number := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		number++
		line = strings.TrimSuffix(line, "\r")
		word := strings.Trim(line, " \t")
		if word == "" || word[0] == '#' {
			continue
		}
		indent, _, _ := strings.Cut(line, word)
		at := esc.Position{File: name, Line: number, Column: utf8.RuneCountInString(indent) + 1}
		ref, d := parseLine(word, dir, at)
		if d != nil {
			diags = append(diags, *d)
			continue
		}
		refs, positions = append(refs, ref), append(positions, at)
	}
	switch {
	case len(diags) > 0:
		return nil, nil, diags
	case len(refs) == 0:
		return nil, nil, esc.Diagnostics{{
			Position: esc.Position{File: name, Line: 1, Column: 1},
			Summary:  "the file names no environment", Hint: "write a line such as shop/dev",
		}}
	case len(refs) > maxRefs:
		return nil, nil, esc.Diagnostics{{Position: positions[maxRefs], Summary: fmt.Sprintf("more than %d environments", maxRefs)}}
	}
	return refs, positions, nil
}

// parseLine reads the one reference of a line.
func parseLine(word, dir string, at esc.Position) (esc.Ref, *esc.Diagnostic) {
	wrong := func(summary, hint string) (esc.Ref, *esc.Diagnostic) {
		return esc.Ref{}, &esc.Diagnostic{Position: at, Summary: summary, Hint: hint}
	}
	switch {
	case !utf8.ValidString(word):
		return wrong("the line is not UTF-8 text", "")
	case strings.HasPrefix(word, "\ufeff"):
		return wrong("the file begins with a byte order mark", "save it as UTF-8 without one")
	case strings.HasPrefix(word, "/"):
		return wrong("a path must begin with ./ or ../", "")
	case strings.ContainsAny(word, "=$`;"):
		return wrong("a "+Name+" holds references to environments, no values and no commands", "put values into a definition: escenv env edit")
	case strings.Contains(word, " #"):
		return wrong("a comment needs a line of its own", "")
	}
	ref, err := esc.ParseRef(word, dir)
	if err != nil {
		return wrong(err.Error(), hintOf(err))
	}
	return ref, nil
}
