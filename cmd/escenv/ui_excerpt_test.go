package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
)

func TestUnderlined(t *testing.T) {
	long := strings.Repeat("x", 300)
	for name, test := range map[string]struct {
		excerpt esc.Excerpt
		columns int
		want    string
	}{
		"a range":             {esc.Excerpt{Before: "    a: ", Marked: "${b}", After: " # c"}, 80, "a: ${b} # c\n   ^^^^"},
		"a beginning":         {esc.Excerpt{Before: "  a: ", After: "{b: 1}"}, 80, "a: {b: 1}\n   ^"},
		"behind the end":      {esc.Excerpt{Before: "  a:"}, 80, "a:\n  ^"},
		"a tab":               {esc.Excerpt{Before: "a:\t", Marked: "b\tc"}, 80, "a: b c\n   ^^^"},
		"wide characters":     {esc.Excerpt{Before: "日本: ", Marked: "語", After: "x"}, 80, "日本: 語x\n      ^^"},
		"combining ones":      {esc.Excerpt{Before: "e\u0301: ", Marked: "o\u0308x"}, 80, "e\u0301: o\u0308x\n   ^^"},
		"what is not printed": {esc.Excerpt{Before: "\x1b[31m: ", Marked: "\u202e"}, 80, `\x1b[31m: \u202e` + "\n" + strings.Repeat(" ", 10) + "^^^^^^"},
		"a long beginning":    {esc.Excerpt{Before: long, Marked: "b", After: "c"}, 40, "…" + long[:38] + "b\n" + strings.Repeat(" ", 39) + "^"},
		"a long range":        {esc.Excerpt{Before: "a: ", Marked: long}, 40, "a: " + long[:36] + "…\n   " + strings.Repeat("^", 37)},
		"a long end":          {esc.Excerpt{Before: "a: ", Marked: "b", After: long}, 40, "a: b" + long[:35] + "…\n   ^"},
		"all of it long":      {esc.Excerpt{Before: long, Marked: long, After: long}, 40, "…" + long[:19] + long[:19] + "…\n" + strings.Repeat(" ", 20) + strings.Repeat("^", 20)},
		"wide and long":       {esc.Excerpt{Before: strings.Repeat("語", 50), Marked: "b"}, 21, "…" + strings.Repeat("語", 9) + "b\n" + strings.Repeat(" ", 19) + "^"},
	} {
		text, pad, marks := underlined(test.excerpt, test.columns)
		if diff := cmp.Diff(test.want, text+"\n"+pad+marks); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// FuzzUnderlined: whatever a line holds, it fits, nothing in it steers the
// terminal, and the marks are below the range.
func FuzzUnderlined(f *testing.F) {
	f.Add("  a: ", "${b}", " # c", 80)
	f.Add("日本\u0301", "\x1b[m", "\t\xff", 21)
	f.Fuzz(func(t *testing.T, before, marked, after string, columns int) {
		columns = min(max(columns, 20), 1000)
		text, pad, marks := underlined(esc.Excerpt{Before: before, Marked: marked, After: after}, columns)
		if safe(text) != text || width(text) > columns || strings.Trim(pad, " ") != "" || strings.Trim(marks, "^") != "" || marks == "" {
			t.Errorf("%q in %d columns: %q", text, columns, pad+marks)
		}
		if width(pad) > columns || marked != "" && width(marks) > columns {
			t.Errorf("%q is wider than %d", pad+marks, columns)
		}
	})
}

var oneDiagnostic = esc.Diagnostics{{
	Position: esc.Position{File: "shop/dev", Line: 12, Column: 5}, Summary: "wrong", Hint: "do it right",
	Excerpt: esc.Excerpt{Before: "  a: ", Marked: "b"},
}}

// What a pipe gets is what is documented, and nothing else.
func TestDiagnosticsInAPipe(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	(&program{stderr: write, environ: []string{"TERM=xterm"}}).printDiagnostics(oneDiagnostic)
	write.Close()
	said, err := io.ReadAll(read)
	want := "shop/dev:12:5: wrong\n  12 | a: b\n     |    ^\nescenv: hint: do it right\n"
	if diff := cmp.Diff(want, string(said)); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestColoursAreForTerminalsThatKnowThem(t *testing.T) {
	for environ, coloured := range map[string]bool{
		"TERM=xterm": true, "TERM=xterm NO_COLOR=": true, "TERM=xterm NO_COLOR=1": false, "TERM=dumb": false, "": false,
	} {
		keyboard, screen, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer keyboard.Close()
		if err := pty.Setsize(screen, &pty.Winsize{Rows: 25, Cols: 33}); err != nil {
			t.Fatal(err)
		}
		p := &program{stderr: screen, environ: strings.Fields(environ)}
		look := p.look(screen)
		text := look.diagnostic(oneDiagnostic[0])
		if look.columns != 33 || strings.Contains(text, "\x1b[") != coloured {
			t.Errorf("%s: %+v %q", environ, look, text)
		}
		plain := strings.NewReplacer("\x1b[1m", "", "\x1b[2m", "", "\x1b[1;31m", "", "\x1b[m", "").Replace(text)
		if plain != "shop/dev:12:5: wrong\n  12 | a: b\n     |    ^\n" {
			t.Errorf("%s: without its colours it is %q", environ, plain)
		}
		screen.Close()
	}
}
