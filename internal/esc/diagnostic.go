package esc

import (
	"fmt"
	"sort"
	"strings"
)

// A Position is a place in a definition.
type Position struct {
	File   string `json:"file,omitempty"`   // what the reader knows the file by: a path, or "project/name"
	Line   int    `json:"line,omitempty"`   // from 1; 0 if unknown
	Column int    `json:"column,omitempty"` // from 1, in characters
}

// String returns "file:line:col".
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// A Diagnostic is one thing that is wrong with a definition.
type Diagnostic struct {
	Position
	End     Position `json:"end,omitzero"`      // where the range ends, exclusive; zero if unknown
	Path    string   `json:"path,omitempty"`    // the property path, "values.aws.login"
	Summary string   `json:"summary"`           // one sentence, lower case, no full stop, no secret
	Hint    string   `json:"hint,omitempty"`    // what to do about it, if that is known
	Warning bool     `json:"warning,omitempty"` // true if the definition can still be opened

	Excerpt Excerpt `json:"excerpt,omitzero"` // zero if there is none to show
}

// An Excerpt is the line a Diagnostic is about, or so much around its range as
// people read. What is secret in it was replaced by Hidden.
type Excerpt struct {
	Before string `json:"before,omitempty"`
	Marked string `json:"marked,omitempty"` // the range itself; empty if only its beginning is known
	After  string `json:"after,omitempty"`
}

// String returns "file:line:col: summary".
func (d Diagnostic) String() string {
	if d.File == "" {
		return d.Summary
	}
	return d.Position.String() + ": " + d.Summary
}

// Diagnostics are several, and an error.
type Diagnostics []Diagnostic

// Error returns them one a line.
func (ds Diagnostics) Error() string {
	lines := make([]string, len(ds))
	for i, d := range ds {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// Err returns ds as an error if one of them is not a warning, else nil.
func (ds Diagnostics) Err() error {
	for _, d := range ds {
		if !d.Warning {
			return ds
		}
	}
	return nil
}

// Sort puts ds in order of file, line and column.
func (ds Diagnostics) Sort() {
	sort.SliceStable(ds, func(i, j int) bool {
		a, b := ds[i], ds[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}
