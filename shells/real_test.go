package shells_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/escenv/escenv/shells"
)

// hostileValues is how many values each real shell is asked to carry: make
// quoting asks for a million.
var hostileValues = flag.Int("values", 20_000, "hostile values for each real shell")

// batch is how many of them one process carries: zsh takes its time with a
// large environment.
const batch = 500

// realShells are the programs that read what a dialect writes.
var realShells = []struct {
	name    string
	dialect string
	argv    []string // the script follows
	// eval evaluates the file in FILE as a hook does.
	eval string
}{
	{"bash", "bash", []string{"bash", "--norc", "-c"}, posixEval},
	{"bash-posix", "bash", []string{"bash", "--posix", "-c"}, posixEval},
	{"bash-history", "bash", []string{"bash", "--norc", "-o", "history", "-o", "histexpand", "-c"}, posixEval},
	{"zsh", "zsh", []string{"zsh", "-f", "-c"}, posixEval},
	{"zsh-rcquotes", "zsh", []string{"zsh", "-f", "-o", "rcquotes", "-o", "nounset", "-o", "banghist", "-c"}, posixEval},
	{"zsh-cshjunkie", "zsh", []string{"zsh", "-f", "-o", "cshjunkiequotes", "-c"}, `f() { emulate -L zsh; ` + posixEval + ` }; f`},
	{"fish", "fish", []string{"fish", "--no-config", "-c"}, `cat $FILE | read -z text; eval "$text"`},
	{"dash", "sh", []string{"dash", "-c"}, posixEval},
	{"ksh", "ksh", []string{"ksh", "-c"}, posixEval},
	{"tcsh", "tcsh", []string{"tcsh", "-f", "-c"}, tcshEval},
	{"tcsh-backslash", "tcsh", []string{"tcsh", "-f", "-c"}, "set backslash_quote;" + tcshEval},
	{"nu", "nu", []string{"nu", "--no-config-file", "--commands"}, nuEval},
	{"elvish", "elvish", []string{"elvish", "-norc", "-c"}, elvishEval},
	{"xonsh", "xonsh", []string{"xonsh", "--no-rc", "-c"}, xonshEval},
}

const (
	posixEval  = `eval "$(cat "$FILE")"`
	tcshEval   = "set __escenv_newline = '\\\n';" + "eval \"`cat $FILE`\""
	nuEval     = `open --raw $env.FILE | lines | each {from json} | where op == export | reduce --fold {} {|it, all| $all | upsert $it.name $it.value} | load-env`
	elvishEval = `from-json < $E:FILE | each {|c| if (eq $c[op] export) { set-env $c[name] $c[value] } }`
	xonshEval  = "import json\nfor line in open($FILE):\n  c = json.loads(line)\n  if c['op'] == 'export': __xonsh__.env[c['name']] = c['value']\n"
)

// TestHostileValuesReachAChild sends hostile values through a real shell into
// the environment of a child of it, and takes a variable back and forth
// through Save and Restore on the way.
func TestHostileValuesReachAChild(t *testing.T) {
	count := *hostileValues
	if testing.Short() {
		count = batch
	}
	for _, shell := range realShells {
		for _, locale := range []string{"C", "C.UTF-8"} {
			t.Run(shell.name+"/"+locale, func(t *testing.T) {
				t.Parallel()
				program := need(t, shell.argv[0])
				d := dialect(t, shell.dialect)
				holds := d.Holds
				if shell.dialect == "tcsh" && locale == "C" { // which decodes no more
					holds = isASCII
				}
				wrong, carried := 0, 0
				for n := 0; carried < count/2 && wrong < 5; n++ {
					values := hostile(rand.New(rand.NewPCG(uint64(n), uint64(len(locale)))), batch)
					values = slices.DeleteFunc(values, func(value string) bool { return !holds(value) })
					argv := append([]string{program}, shell.argv[1:]...)
					wrong += carry(t, d, append(argv, shell.eval+"\nenv -0"), locale, values)
					carried += len(values)
				}
				t.Logf("%d values, %d wrong", carried, wrong)
			})
		}
	}
}

// need returns the file of a program. Where there is none the test is skipped,
// but not by a machine whose word counts.
func need(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if built, absErr := filepath.Abs("../.cache/tools/" + name); err != nil && absErr == nil { // by .ci/tools
		program, err = exec.LookPath(built)
	}
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatal(err)
	case err != nil:
		t.Skip(err)
	}
	return program
}

func dialect(t *testing.T, name string) shells.Dialect {
	t.Helper()
	d, err := shells.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// carry returns how many of values did not arrive.
func carry(t *testing.T, d shells.Dialect, argv []string, locale string, values []string) (wrong int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "statements")
	if err := os.WriteFile(file, []byte(statements(d, values)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=" + locale, "FILE=" + file}
	var talk strings.Builder
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil || talk.Len() > 0 {
		t.Errorf("%s: %v: %s", argv[0], err, talk.String())
		return 5
	}
	got := map[string]string{}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		got[name] = value
	}
	for i, want := range values {
		if have, ok := got[fmt.Sprintf("V%d", i)]; !ok || have != want {
			t.Errorf("%q arrived as %q (set: %v)", want, have, ok)
			wrong++
		}
	}
	return wrong
}

func isASCII(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r >= 0x80 })
}

// evaluates reports whether what the dialect writes is evaluated, rather than
// read by the hook.
func evaluates(d shells.Dialect) bool { return !strings.HasPrefix(d.Unset("X"), "{") }

// statements exports each value, every third after another value was there in
// between.
func statements(d shells.Dialect, values []string) string {
	var b strings.Builder
	for i, value := range values {
		name := fmt.Sprintf("V%d", i)
		b.WriteString(d.Export(name, value))
		if i%3 == 0 && evaluates(d) {
			b.WriteString(d.Save(name) + d.Export(name, "other") + d.Restore(name, true))
		}
	}
	return b.String()
}

// TestWhatWasThereComesBack tells apart unset, empty, set and unexported, the
// way each shell itself sees it.
func TestWhatWasThereComesBack(t *testing.T) {
	show := `for v in UNSET EMPTY SET HIDDEN; do eval "echo $v=\${$v-unset}"; done; env | grep -E '^(UNSET|EMPTY|SET|HIDDEN)=' | sort | tr '\n' ' '`
	showFish := `for v in UNSET EMPTY SET HIDDEN; set -q $v; and echo $v=$$v; or echo $v=unset; end; env | grep -E '^(UNSET|EMPTY|SET|HIDDEN)=' | sort | tr '\n' ' '`
	want := "UNSET=unset\nEMPTY=\nSET=a b\nHIDDEN=c d\nEMPTY= SET=a b "
	for _, shell := range realShells {
		if shell.dialect == "tcsh" || !evaluates(dialect(t, shell.dialect)) {
			continue // TestWhatWasThereComesBackInTcsh; and the hooks' own tests
		}
		t.Run(shell.name, func(t *testing.T) {
			program := need(t, shell.argv[0])
			d := dialect(t, shell.dialect)
			var b strings.Builder
			b.WriteString(d.Set("HIDDEN", "c d"))
			exported := map[string]bool{"EMPTY": true, "SET": true}
			names := []string{"UNSET", "EMPTY", "SET", "HIDDEN"}
			for _, name := range names {
				b.WriteString(d.Save(name) + d.Export(name, "ours"))
			}
			for _, name := range names {
				b.WriteString(d.Restore(name, exported[name]))
			}
			script := shell.eval + "\n" + show
			if d.Name() == "fish" {
				script = shell.eval + "\n" + showFish
			}
			file := filepath.Join(t.TempDir(), "statements")
			if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program, append(shell.argv[1:len(shell.argv):len(shell.argv)], script)...)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "FILE=" + file, "EMPTY=", "SET=a b"}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != want {
				t.Errorf("%v\n got %q\nwant %q", err, out, want)
			}
		})
	}
}

// TestWhatWasThereComesBackInTcsh does so for tcsh, where a shell variable and
// an environment variable of one name are two.
func TestWhatWasThereComesBackInTcsh(t *testing.T) {
	program := need(t, "tcsh")
	d := dialect(t, "tcsh")
	var b strings.Builder
	names := []string{"UNSET", "EMPTY", "SET", "HIDDEN", "KEPT"}
	for _, name := range names {
		b.WriteString(d.Save(name) + d.Export(name, "ours"))
	}
	for _, name := range names[:4] {
		b.WriteString(d.Restore(name, name == "EMPTY" || name == "SET"))
	}
	b.WriteString(d.Forget("KEPT"))
	file := filepath.Join(t.TempDir(), "statements")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	script := "set HIDDEN = (c 'd  e'); " + tcshEval + "; echo $HIDDEN:q; env | grep -E '^(UNSET|EMPTY|SET|HIDDEN|KEPT)=' | sort | tr '\\n' ' '; set | grep -a ^__escenv_was"
	cmd := exec.Command(program, "-f", "-c", script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "FILE=" + file, "EMPTY=", "SET=a  b", "KEPT=before"}
	out, _ := cmd.CombinedOutput() // grep -c finds nothing
	if want := "c d  e\nEMPTY= KEPT=ours SET=a  b "; string(out) != want {
		t.Errorf("got  %q\nwant %q", out, want)
	}
}

// TestReadonlyNamesDoNotStopTheRest: what comes after a name that the user
// made readonly is still evaluated.
func TestReadonlyNamesDoNotStopTheRest(t *testing.T) {
	for _, shell := range realShells {
		if shell.dialect != "zsh" && shell.dialect != "bash" {
			continue
		}
		t.Run(shell.name, func(t *testing.T) {
			program := need(t, shell.argv[0])
			d := dialect(t, shell.dialect)
			file := filepath.Join(t.TempDir(), "statements")
			text := d.Save("FIXED") + d.Export("FIXED", "ours") + d.Export("FREE", "ours") + d.Restore("FIXED", false) + d.Export("LAST", "ours")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			script := "readonly FIXED=theirs\n" + shell.eval + " 2>/dev/null\n" + `echo "$FIXED $FREE $LAST"`
			cmd := exec.Command(program, append(shell.argv[1:len(shell.argv):len(shell.argv)], script)...)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "FILE=" + file}
			out, err := cmd.Output()
			if err != nil || string(out) != "theirs ours ours\n" {
				t.Errorf("%v: %q", err, out)
			}
		})
	}
}
