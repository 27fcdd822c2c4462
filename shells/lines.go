package shells

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// lines is the dialect of shells that evaluate nothing: each statement is a
// JSON object on a line of its own, in ASCII, and the hook does what it says.
//
//	{"op":"export","name":"STAGE","value":"dev"}
//
// The operations are those of Dialect in lower case: export, set, unset, save,
// restore (which has "exported") and forget.
type lines struct {
	name  string
	quote func(string) string // of the shell's own, for its hook
}

func (d lines) Name() string { return d.name }

// Quote is for the hook's script: no statement needs it.
func (d lines) Quote(value string) string { return d.quote(value) }

func (lines) Export(name, value string) string { return line("export", name, `,"value":`+JSON(value)) }
func (lines) Set(name, value string) string    { return line("set", name, `,"value":`+JSON(value)) }
func (lines) Unset(name string) string         { return line("unset", name, "") }
func (lines) Save(name string) string          { return line("save", name, "") }
func (lines) Forget(name string) string        { return line("forget", name, "") }

func (lines) Restore(name string, exported bool) string {
	return line("restore", name, fmt.Sprintf(`,"exported":%t`, exported))
}

// Holds refuses what JSON cannot carry.
func (lines) Holds(value string) bool { return Holds(value) && utf8.ValidString(value) }

func line(op, name, rest string) string {
	return `{"op":"` + op + `","name":` + JSON(name) + rest + "}\n"
}

// JSON returns text as a JSON string in ASCII, so that no reader's encoding
// matters. What is not UTF-8 becomes U+FFFD.
func JSON(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quoteNu writes a string of nushell's in double quotes.
func quoteNu(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range value {
		if r >= ' ' && r < 0x7f && r != '"' && r != '\\' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quoteElvish doubles single quotes inside single quotes.
func quoteElvish(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// quoteXonsh writes a string literal of Python's. A byte that is not UTF-8 is
// the surrogate that Python itself reads it as.
func quoteXonsh(value string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i, r := range value {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		case r == utf8.RuneError && !strings.HasPrefix(value[i:], "\ufffd"):
			fmt.Fprintf(&b, `\udc%02x`, value[i])
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// quotePwsh doubles what PowerShell takes for a single quote, which typographic
// ones are, too.
func quotePwsh(value string) string {
	return "'" + strings.NewReplacer("'", "''", "\u2018", "\u2018\u2018", "\u2019", "\u2019\u2019",
		"\u201a", "\u201a\u201a", "\u201b", "\u201b\u201b").Replace(value) + "'"
}
