package hooks_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/escenv/escenv/hooks"
	"github.com/escenv/escenv/shells"
)

// oddPath is where escenv is, for tests of how a script quotes that.
const oddPath = "/opt/it's \"here\"/$HOME/escenv"

// hookFor writes the hook of a shell into a file.
func hookFor(t *testing.T, name string) (text, file string) {
	t.Helper()
	d, err := shells.Lookup(name)
	must(t, err)
	text, err = hooks.Script(d, oddPath)
	must(t, err)
	file = filepath.Join(t.TempDir(), "hook")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	return text, file
}

// TestLintElsewhere holds the scripts against each shell's own parser.
func TestLintElsewhere(t *testing.T) {
	for _, check := range []struct {
		name string
		argv []string // FILE stands for the hook's
		want string
	}{
		{"nu", []string{"--no-config-file", "--commands", "nu-check --debug FILE"}, "true\n"},
		{"elvish", []string{"-norc", "-compileonly", "FILE"}, ""},
		{"tcsh", []string{"-f", "-n", "FILE"}, ""},
		{"xonsh", []string{"--no-rc", "-c", "_ = __xonsh__.execer.parse(open('FILE').read(), ctx=set())"}, ""},
	} {
		t.Run(check.name, func(t *testing.T) {
			program := found(t, check.name)
			_, file := hookFor(t, check.name)
			if check.name == "elvish" { // it has no editor here
				text, err := os.ReadFile(file)
				must(t, err)
				lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool { return strings.Contains(line, "edit:") })
				must(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600))
			}
			argv := slices.Clone(check.argv)
			for i, arg := range argv {
				argv[i] = strings.ReplaceAll(arg, "FILE", file)
			}
			if out, err := exec.Command(program, argv...).CombinedOutput(); err != nil || string(out) != check.want {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestPowerShell looks at what cannot be run here: the path is quoted, every
// statement that escenv writes is understood, and brackets match.
func TestPowerShell(t *testing.T) {
	text, _ := hookFor(t, "pwsh")
	if !strings.Contains(text, `Program = '/opt/it''s "here"/$HOME/escenv';`) || strings.Contains(text, "@ESCENV@") {
		t.Error("the path is not quoted")
	}
	d, err := shells.Lookup("pwsh")
	must(t, err)
	for _, statement := range []string{d.Set("N", ""), d.Export("N", ""), d.Unset("N"), d.Save("N"), d.Restore("N", true), d.Forget("N")} {
		op, _, _ := strings.Cut(strings.TrimPrefix(statement, `{"op":"`), `"`)
		if !strings.Contains(text, "'"+op+"' { ") && !strings.Contains(text, "'"+op+"' {\n") {
			t.Errorf("%s is not understood", op)
		}
	}
	var open []byte
	closes := map[byte]byte{')': '(', ']': '[', '}': '{'}
	for number, line := range strings.Split(text, "\n") {
		code, _, _ := strings.Cut(line, " # ")
		if strings.HasPrefix(strings.TrimSpace(code), "#") {
			continue
		}
		for i := range len(code) {
			switch c := code[i]; c {
			case '(', '[', '{':
				open = append(open, c)
			case ')', ']', '}':
				if len(open) == 0 || open[len(open)-1] != closes[c] {
					t.Fatalf("line %d: %c closes nothing", number+1, c)
				}
				open = open[:len(open)-1]
			}
		}
	}
	if len(open) > 0 {
		t.Errorf("%s is not closed", open)
	}
}
