package shells_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/escenv/escenv/shells"
)

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{
		"bash": "bash", "-bash": "bash", "/usr/local/bin/bash": "bash",
		"zsh": "zsh", "-zsh": "zsh", "/bin/zsh": "zsh", "fish": "fish",
		"sh": "sh", "/bin/dash": "sh", "csh": "tcsh", "nushell": "nu", "nu": "nu", "powershell": "pwsh",
	} {
		d, err := shells.Lookup(name)
		if err != nil || d.Name() != want {
			t.Errorf("Lookup(%q) = %v, %v; want %s", name, d, err, want)
		}
	}
	for _, name := range []string{"", "/", "cmd.exe", "bashful", "bash "} {
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
		{"tcsh", "", `''`},
		{"tcsh", `it's!\`, `'it'\''s'\!''\\''`},
		{"tcsh", "a\nb", `'a'$__escenv_newline:q'b'`},
		{"nu", "it's $a\\\"\n", `"it's $a\u{5c}\u{22}\u{a}"`},
		{"elvish", "it's \\ $a", `'it''s \ $a'`},
		{"xonsh", "it's\n\xff\ufffd", `'it\'s\U0000000a\udcff\U0000fffd'`},
		{"pwsh", "it's\u2019$a", "'it''s\u2019\u2019$a'"},
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
	tcsh, _ := shells.Lookup("tcsh")
	pwsh, _ := shells.Lookup("pwsh")
	f.Fuzz(func(t *testing.T, value string) {
		if got, ok := readPosix(posix.Quote(value)); !ok || got != value {
			t.Errorf("posix: %q is read as %q", value, got)
		}
		if got, ok := readFish(fish.Quote(value)); !ok || got != value {
			t.Errorf("fish: %q is read as %q", value, got)
		}
		if got, ok := readPosix(strings.ReplaceAll(tcsh.Quote(value), "$__escenv_newline:q", "'\n'")); !ok || got != value {
			t.Errorf("tcsh: %q is read as %q", value, got)
		}
		if got, ok := readPwsh(pwsh.Quote(value)); !ok || got != value {
			t.Errorf("pwsh: %q is read as %q", value, got)
		}
		var got string
		if err := json.Unmarshal([]byte(shells.JSON(value)), &got); err != nil || got != strings.ToValidUTF8(value, "\ufffd") && utf8.ValidString(value) {
			t.Errorf("JSON: %q is read as %q, %v", value, got, err)
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
		case len(word) > 1 && word[0] == '\\' && strings.IndexByte(`'\!`, word[1]) >= 0:
			b.WriteByte(word[1])
			word = word[2:]
		default:
			return "", false
		}
	}
	return b.String(), true
}

// readPwsh reads as PowerShell's tokenizer does: any two single quotes in a row
// are the first of them.
func readPwsh(word string) (string, bool) {
	quote := func(s string) int { // bytes of the quote that s begins with
		r, size := utf8.DecodeRuneInString(s)
		if !strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) {
			return 0
		}
		return size
	}
	rest, ok := strings.CutPrefix(word, "'")
	var b strings.Builder
	for rest != "" {
		n := quote(rest)
		second := quote(rest[n:])
		if n > 0 && second == 0 {
			return b.String(), ok && rest[n:] == ""
		}
		if n == 0 {
			n, second = 1, 0
		}
		b.WriteString(rest[:n])
		rest = rest[n+second:]
	}
	return "", false
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
	for _, name := range append(shells.Names(), "sh") {
		d, err := shells.Lookup(name)
		if err != nil || strings.TrimSpace(d.Name()) != name {
			t.Fatalf("%s: %v, %v", name, d, err)
		}
		bytes := name == "bash" || name == "zsh" || name == "fish" || name == "sh"
		if d.Holds("a\x00b") || !d.Holds("\n'é\U0010ffff") || d.Holds("\xff") != bytes {
			t.Errorf("%s holds every byte but NUL, or every text", name)
		}
	}
}

// TestLines: what is not evaluated is a JSON object on each line, in ASCII.
func TestLines(t *testing.T) {
	d, err := shells.Lookup("nu")
	if err != nil {
		t.Fatal(err)
	}
	got := d.Export("A", "\"\\\n\x7fé\U0001f600") + d.Set("B", "") + d.Unset("C") + d.Save("D") + d.Restore("E", true) + d.Restore("F", false) + d.Forget("G")
	want := `{"op":"export","name":"A","value":"\"\\\n\u007f\u00e9\ud83d\ude00"}
{"op":"set","name":"B","value":""}
{"op":"unset","name":"C"}
{"op":"save","name":"D"}
{"op":"restore","name":"E","exported":true}
{"op":"restore","name":"F","exported":false}
{"op":"forget","name":"G"}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
