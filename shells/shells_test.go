package shells_test

import (
	"strings"
	"testing"

	"github.com/escenv/escenv/shells"
)

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{
		"bash": "bash", "-bash": "bash", "/usr/local/bin/bash": "bash",
		"zsh": "zsh", "-zsh": "zsh", "/bin/zsh": "zsh", "fish": "fish",
		"sh": "sh", "/bin/dash": "sh",
	} {
		d, err := shells.Lookup(name)
		if err != nil || d.Name() != want {
			t.Errorf("Lookup(%q) = %v, %v; want %s", name, d, err, want)
		}
	}
	for _, name := range []string{"", "/", "tcsh", "bashful", "bash "} {
		if d, err := shells.Lookup(name); err == nil {
			t.Errorf("Lookup(%q) = %s, want an error", name, d.Name())
		}
	}
}

func TestQuote(t *testing.T) {
	for _, c := range []struct{ shell, value, want string }{
		{"bash", "", `''`},
		{"bash", "it's", `'it'\''s'`},
		{"bash", `\`, `'\'`},
		{"zsh", "a\nb", "'a\nb'"},
		{"fish", "", `''`},
		{"fish", "it's", `'it\'s'`},
		{"fish", `x\`, `'x\\'`},
		{"sh", "$(id)`id`", "'$(id)`id`'"},
	} {
		d, err := shells.Lookup(c.shell)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Quote(c.value); got != c.want {
			t.Errorf("%s: Quote(%q) = %s, want %s", c.shell, c.value, got, c.want)
		}
	}
}

// FuzzQuote holds each quoter against a reader of that shell's single quotes,
// written from the shell's manual and not from the quoter.
func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"", "'", `\`, `\'`, `'\''`, "a\nb", "\xff'\x01", "$(id)", "''''"} {
		f.Add(seed)
	}
	posix, _ := shells.Lookup("sh")
	fish, _ := shells.Lookup("fish")
	f.Fuzz(func(t *testing.T, value string) {
		if got, ok := readPosix(posix.Quote(value)); !ok || got != value {
			t.Errorf("posix: %q is read as %q", value, got)
		}
		if got, ok := readFish(fish.Quote(value)); !ok || got != value {
			t.Errorf("fish: %q is read as %q", value, got)
		}
	})
}

func readPosix(word string) (string, bool) {
	var b strings.Builder
	for word != "" {
		switch {
		case word[0] == '\'':
			end := strings.IndexByte(word[1:], '\'')
			if end < 0 {
				return "", false
			}
			b.WriteString(word[1 : 1+end])
			word = word[end+2:]
		case strings.HasPrefix(word, `\'`):
			b.WriteByte('\'')
			word = word[2:]
		default:
			return "", false
		}
	}
	return b.String(), true
}

func readFish(word string) (string, bool) {
	if len(word) < 2 || word[0] != '\'' {
		return "", false
	}
	var b strings.Builder
	for i := 1; i < len(word); i++ {
		switch c := word[i]; {
		case c == '\'':
			return b.String(), i == len(word)-1
		case c == '\\' && i+1 < len(word) && (word[i+1] == '\\' || word[i+1] == '\''):
			i++
			b.WriteByte(word[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

func TestHolds(t *testing.T) {
	if !shells.Holds("\xff\n'") || shells.Holds("a\x00b") {
		t.Error("a shell holds every byte but NUL")
	}
}
