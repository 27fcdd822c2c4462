package shells_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/escenv/escenv/shells"
)

// Values per shell and per process that the real shells are asked to carry.
const (
	hostileValues = 20_000
	batch         = 2_000
)

// realShells are the programs that read what a dialect writes.
var realShells = []struct {
	name    string
	dialect string
	argv    []string // the script follows
	// eval evaluates the file in FILE as a hook does.
	eval string
}{
	{"bash", "bash", []string{"bash", "--norc", "-c"}, `eval "$(cat "$FILE")"`},
	{"bash-posix", "bash", []string{"bash", "--posix", "-c"}, `eval "$(cat "$FILE")"`},
	{"zsh", "zsh", []string{"zsh", "-f", "-c"}, `eval "$(cat "$FILE")"`},
	{"zsh-rcquotes", "zsh", []string{"zsh", "-f", "-o", "rcquotes", "-o", "nounset", "-c"}, `eval "$(cat "$FILE")"`},
	{"fish", "fish", []string{"fish", "--no-config", "-c"}, `eval (cat $FILE | string collect)`},
	{"dash", "sh", []string{"dash", "-c"}, `eval "$(cat "$FILE")"`},
}

// TestHostileValuesReachAChild sends hostile values through a real shell into
// the environment of a child of it, and takes a variable back and forth
// through Save and Restore on the way.
func TestHostileValuesReachAChild(t *testing.T) {
	count := hostileValues
	if testing.Short() {
		count = batch
	}
	for _, shell := range realShells {
		for _, locale := range []string{"C", "C.UTF-8"} {
			t.Run(shell.name+"/"+locale, func(t *testing.T) {
				t.Parallel()
				program := need(t, shell.argv[0])
				d, err := shells.Lookup(shell.dialect)
				if err != nil {
					t.Fatal(err)
				}
				wrong := 0
				for n := 0; n < count/2 && wrong < 5; n += batch {
					values := hostile(rand.New(rand.NewPCG(uint64(n), uint64(len(locale)))), batch)
					argv := append([]string{program}, shell.argv[1:]...)
					wrong += carry(t, d, append(argv, shell.eval+"; env -0"), locale, values)
				}
			})
		}
	}
}

// need returns the file of a program. Where there is none the test is skipped,
// but not by a machine whose word counts.
func need(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatal(err)
	case err != nil:
		t.Skip(err)
	}
	return program
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

// statements exports each value, every third after another value was there in
// between.
func statements(d shells.Dialect, values []string) string {
	var b strings.Builder
	for i, value := range values {
		name := fmt.Sprintf("V%d", i)
		b.WriteString(d.Export(name, value))
		if i%3 == 0 {
			b.WriteString(d.Save(name) + d.Export(name, "other") + d.Restore(name, true))
		}
	}
	return b.String()
}

// hostile makes values of what has broken quoting somewhere, and of noise.
func hostile(r *rand.Rand, n int) []string {
	pieces := []string{
		"'", "''", `\`, `\\`, `\'`, `'\''`, `"`, "$", "$(id)", "`id`", "${HOME}", "!", "!!", "\n", "\r", "\r\n", "\t", " ", "  ",
		"*", "?", "[a]", "{a,b}", "~", "#", ";", "&", "|", "<", ">", "(", ")", "=", "-n", "--", "%s", "%", "^", "\x1b[31m", "\x7f",
		"\x01", "\xff", "\xc3", "\xc3\xa9", "\u2028", "\u202e", "\uf600", "\uf6ff", "\uf710", "\U0001f600", "\xed\xa0\x80", "end", "EOF", "'; id; '", "$'\\x41'",
	}
	values := make([]string, n)
	for i := range values {
		var b strings.Builder
		for range r.IntN(8) {
			if r.IntN(3) > 0 {
				b.WriteString(pieces[r.IntN(len(pieces))])
			} else {
				b.WriteByte(byte(1 + r.IntN(255)))
			}
		}
		values[i] = b.String()
	}
	return values
}

// TestWhatWasThereComesBack tells apart unset, empty, set and unexported, the
// way each shell itself sees it.
func TestWhatWasThereComesBack(t *testing.T) {
	show := `for v in UNSET EMPTY SET HIDDEN; do eval "echo $v=\${$v-unset}"; done; env | grep -E '^(UNSET|EMPTY|SET|HIDDEN)=' | sort | tr '\n' ' '`
	showFish := `for v in UNSET EMPTY SET HIDDEN; set -q $v; and echo $v=$$v; or echo $v=unset; end; env | grep -E '^(UNSET|EMPTY|SET|HIDDEN)=' | sort | tr '\n' ' '`
	want := "UNSET=unset\nEMPTY=\nSET=a b\nHIDDEN=c d\nEMPTY= SET=a b "
	for _, shell := range realShells {
		t.Run(shell.name, func(t *testing.T) {
			program := need(t, shell.argv[0])
			d, _ := shells.Lookup(shell.dialect)
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

// TestReadonlyNamesDoNotStopTheRest: what comes after a name that the user
// made readonly is still evaluated.
func TestReadonlyNamesDoNotStopTheRest(t *testing.T) {
	for _, shell := range realShells {
		if shell.dialect != "zsh" && shell.dialect != "bash" {
			continue
		}
		t.Run(shell.name, func(t *testing.T) {
			program := need(t, shell.argv[0])
			d, _ := shells.Lookup(shell.dialect)
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
