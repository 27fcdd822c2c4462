package esc

import (
	"strings"
	"unicode"
)

// OneLine returns text from outside as a message may hold it: whatever does
// not print and all white space become single spaces, and what is longer than
// limit characters ends in an ellipsis.
func OneLine(text string, limit int) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsGraphic(r) || unicode.IsSpace(r) })
	line := []rune(strings.Join(words, " "))
	if len(line) <= limit {
		return string(line)
	}
	return string(line[:limit-1]) + "…"
}
