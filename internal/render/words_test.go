package render_test

import (
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/render"
)

// shellWords reads assignments as POSIX says a shell does (Shell Command
// Language, 2.2), and refuses whatever would expand or run. It stands in for
// the real shells where there are too many values for them.
func shellWords(text string) (got map[string]string, ok bool) {
	got = map[string]string{}
	for text != "" {
		text = strings.TrimPrefix(text, "export ")
		name, rest, found := strings.Cut(text, "=")
		if !found || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
			return nil, false
		}
		var value string
		if value, text, ok = shellWord(rest); !ok {
			return nil, false
		}
		got[name] = value
	}
	return got, true
}

// shellWord reads one word up to the end of its line.
func shellWord(text string) (word, rest string, ok bool) {
	var b strings.Builder
	for text != "" {
		switch c := text[0]; c {
		case '\n':
			return b.String(), text[1:], true
		case '\'', '"':
			quoted, after, closed := strings.Cut(text[1:], string(c))
			if !closed || c == '"' && strings.ContainsAny(quoted, "$`\\") {
				return "", "", false
			}
			b.WriteString(quoted)
			text = after
		case '\\':
			if len(text) < 2 || text[1] == '\n' {
				return "", "", false
			}
			b.WriteByte(text[1])
			text = text[2:]
		default:
			if strings.IndexByte(" \t|&;<>()$`*?[]#~{}!\r\x00", c) >= 0 || c >= 0x80 {
				return "", "", false
			}
			b.WriteByte(c)
			text = text[1:]
		}
	}
	return "", "", false // the last line has no end
}

// FuzzWords: to a shell, what is written is one assignment, of what went in.
func FuzzWords(f *testing.F) {
	for _, value := range hostileValues(100) {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, format := range []string{"shell", "dotenv"} {
			text, err := render.Text(variable("NAME", value), format)
			if err != nil {
				continue
			}
			got, ok := shellWords(string(text))
			if !ok || len(got) != 1 || got["NAME"] != value {
				t.Errorf("%s of %q is %q, which reads %q", format, value, text, got)
			}
		}
	})
}

// The stand-in sees what the formats must never write.
func TestShellWordsRefuseWhatRuns(t *testing.T) {
	for _, text := range []string{"A=$(x)\n", "A=\"$x\"\n", "A=`x`\n", "A=a b\n", "A='a\n", "A=a", "A=a;x\n", "x\n", "A=~\n", "A=é\n", "A=\\\n"} {
		if got, ok := shellWords(text); ok {
			t.Errorf("%q reads %q", text, got)
		}
	}
	got, ok := shellWords("export A='it'\\''s'\nB=\"'\"\nC=''\n")
	if !ok || got["A"] != "it's" || got["B"] != "'" || got["C"] != "" || len(got) != 3 {
		t.Errorf("%q %v", got, ok)
	}
}
