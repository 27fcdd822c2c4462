package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

func TestSafe(t *testing.T) {
	for text, want := range map[string]string{
		"plain, ünïcode, 日本語":   "plain, ünïcode, 日本語",
		"a\ttab":                "a tab",
		"\x1b]0;title\x07":      `\x1b]0;title\a`,
		"\x1b[2J\r\b\x7f":       `\x1b[2J\r\b\x7f`,
		"\u009b31m":             `\u009b31m`,     // CSI in one character
		"\x9b31m":               `\x9b31m`,       // and in one byte
		"abc\u202edcba":         `abc\u202edcba`, // text that runs backwards
		"admin\u200b":           `admin\u200b`,
		"a\u2028b\ufeff":        `a\u2028b\ufeff`,
		"half a character \xe2": `half a character \xe2`,
		"\U000e0041":            `\U000e0041`, // a tag, which shows as nothing
	} {
		if got := safe(text); got != want {
			t.Errorf("%q shows as %q, want %q", text, got, want)
		}
	}
}

func TestSafeJSON(t *testing.T) {
	for _, text := range []string{"plain, ünïcode, 日本語", "\u009b31m\x7f", "abc\u202edcba\u2028", "\U000e0041", "half \ufffd"} {
		plain, err := json.MarshalIndent([]string{text}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got := safeJSON(plain)
		var back []string
		if err := json.Unmarshal(got, &back); err != nil || back[0] != text {
			t.Errorf("%q reads back as %q, %v", text, back, err)
		}
		if lines := strings.ReplaceAll(string(got), "\n", ""); safe(lines) != lines {
			t.Errorf("%q is not safe", got)
		}
	}
}

// FuzzSafe: whatever comes from outside is printable when it is printed, and
// what was printable is unchanged.
func FuzzSafe(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := safe(text)
		bad := func(r rune) bool { return !unicode.IsPrint(r) }
		if !utf8.ValidString(got) || strings.ContainsFunc(got, bad) || safe(got) != got {
			t.Errorf("%q shows as %q", text, got)
		}
		if utf8.ValidString(text) && !strings.ContainsFunc(text, bad) && !strings.ContainsRune(text, utf8.RuneError) && got != text {
			t.Errorf("%q shows as %q", text, got)
		}
	})
}

// TestEverythingSaidIsSafe says hostile words in every way there is.
func TestEverythingSaidIsSafe(t *testing.T) {
	const hostile = "a\x1b]52;c;aGk=\x07b\u202e"
	err := esc.Errorf(esc.Invalid, "%s", hostile).WithHint("%s", hostile)
	diags := esc.Diagnostics{{Position: esc.Position{File: hostile, Line: 1, Column: 1}, Summary: hostile, Hint: hostile}}
	for name, speak := range map[string]func(p *program){
		"an error":      func(p *program) { p.report(err) },
		"any error":     func(p *program) { p.report(&os.PathError{Op: "open", Path: hostile, Err: os.ErrPermission}) },
		"usage":         func(p *program) { p.report(usageError{hostile, hostile}) },
		"diagnostics":   func(p *program) { p.report(diags) },
		"a warning":     func(p *program) { diags[0].Warning = true; p.printDiagnostics(diags) },
		"another":       func(p *program) { p.sayWarn(hostile) },
		"some progress": func(p *program) { p.say(hostile) },
	} {
		stderr, file, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		speak(&program{stderr: file})
		file.Close()
		said, err := io.ReadAll(stderr)
		if err != nil || len(said) == 0 || strings.ContainsAny(string(said), "\x1b\x07\u202e") {
			t.Errorf("%s: %q, %v", name, said, err)
		}
	}
}

func TestDefinitionsAreCalledByTheirNames(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, "escenv/environments/shop/dev.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &program{environ: []string{"XDG_CONFIG_HOME=" + home}}
	for words, want := range map[string]string{
		file + ":4:5: AWS refused":             "shop/dev:4:5: AWS refused",
		"/elsewhere/dev.yaml:4:5: AWS refused": "/elsewhere/dev.yaml:4:5: AWS refused",
		"AWS refused x.yaml: why":              "AWS refused x.yaml: why",
		"AWS refused":                          "AWS refused",
		"":                                     "",
	} {
		if got := p.named(words); got != want {
			t.Errorf("%q is printed %q", words, got)
		}
	}
}
