package esc

import (
	"strings"
	"unicode"
)

// Printable reports whether r shows as itself wherever it is printed: it is no
// control character, no mark that reorders or hides text, no white space but
// the space, and no sign of bytes that are not UTF-8.
func Printable(r rune) bool { return r != unicode.ReplacementChar && unicode.IsPrint(r) }

// OneLine returns text from outside as a message may hold it: whatever does
// not print and all white space become single spaces, and what is longer than
// limit characters ends in an ellipsis.
func OneLine(text string, limit int) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || !Printable(r) })
	line := []rune(strings.Join(words, " "))
	if len(line) <= limit {
		return string(line)
	}
	return string(line[:limit-1]) + "…"
}
