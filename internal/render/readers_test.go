package render_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/render"
)

// What is not refused has to come out as it went in of the real programs that
// read it: shells, and loaders of .env files.

// A reader prints, as JSON or separated by NUL, the variables of $FILE.
type reader struct {
	name    string
	format  string
	argv    []string
	probe   []string // fails where the reader is not to be had
	nulls   bool
	atLeast int // of the hostile values, so many are not refused
}

const sourced = `set -a; . "$FILE"; exec "$ENVCMD" -0`

var readers = []reader{
	{name: "sh", format: "dotenv", argv: []string{"sh", "-c", sourced}, nulls: true, atLeast: 1000},
	{name: "bash", format: "dotenv", argv: []string{"bash", "--norc", "-c", sourced}, nulls: true, atLeast: 1000},
	{name: "dash", format: "dotenv", argv: []string{"dash", "-c", sourced}, nulls: true, atLeast: 1000},
	{name: "ksh", format: "dotenv", argv: []string{"ksh", "-c", sourced}, nulls: true, atLeast: 1000},
	{name: "zsh", format: "dotenv", argv: []string{"zsh", "-f", "-c", sourced}, nulls: true, atLeast: 1000},
	{name: "busybox", format: "dotenv", argv: []string{"busybox", "sh", "-c", sourced}, nulls: true, atLeast: 1000},
	{
		name: "node's parseEnv", format: "dotenv", probe: []string{"node", "-e", "if (!require('util').parseEnv) process.exit(1)"},
		argv: []string{"node", "-e", `process.stdout.write(JSON.stringify(require('util').parseEnv(require('fs').readFileSync(process.env.FILE, 'utf8'))))`}, atLeast: 1000,
	},
	{
		name: "dotenv of npm", format: "dotenv", probe: []string{"node", "-e", "require('dotenv')"},
		argv: []string{"node", "-e", `process.stdout.write(JSON.stringify(require('dotenv').parse(require('fs').readFileSync(process.env.FILE))))`}, atLeast: 1000,
	},
	{
		name: "python-dotenv", format: "dotenv", probe: []string{"python3", "-c", "import dotenv"},
		argv: []string{"python3", "-c", "import dotenv,json,os; print(json.dumps(dotenv.dotenv_values(os.environ['FILE'])))"}, atLeast: 1000,
	},
	{name: "sh", format: "shell", argv: []string{"sh", "-c", `. "$FILE"; exec "$ENVCMD" -0`}, nulls: true, atLeast: 3000},
	{name: "eval in dash", format: "shell", argv: []string{"dash", "-c", `eval "$(cat "$FILE")"; exec "$ENVCMD" -0`}, nulls: true, atLeast: 3000},
	{name: "eval in ksh", format: "shell", argv: []string{"ksh", "-c", `eval "$(cat "$FILE")"; exec "$ENVCMD" -0`}, nulls: true, atLeast: 3000},
	{name: "bash", format: "bash", argv: []string{"bash", "--norc", "-c", `eval "$(cat "$FILE")"; exec "$ENVCMD" -0`}, nulls: true, atLeast: 3000},
	{name: "zsh", format: "zsh", argv: []string{"zsh", "-f", "-c", `eval "$(cat "$FILE")"; exec "$ENVCMD" -0`}, nulls: true, atLeast: 3000},
	{name: "fish", format: "fish", argv: []string{"fish", "--no-config", "-c", `source $FILE; exec $ENVCMD -0`}, nulls: true, atLeast: 3000},
}

func TestRealReadersReadWhatWentIn(t *testing.T) {
	values := hostileValues(3000)
	for _, r := range readers {
		t.Run(r.format+" in "+r.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(r.argv[0]); err != nil {
				t.Skip(err)
			}
			if r.probe != nil && exec.CommandContext(t.Context(), r.probe[0], r.probe[1:]...).Run() != nil {
				t.Skip("it is not installed")
			}
			written := 0
			for batch := range chunks(values, 500) {
				written += r.check(t, batch)
			}
			if written < r.atLeast {
				t.Errorf("only %d of %d values are not refused", written, len(values))
			}
		})
	}
}

func chunks(values []string, size int) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		for len(values) > 0 && yield(values[:min(size, len(values))]) {
			values = values[min(size, len(values)):]
		}
	}
}

// check has the program read those of values that are not refused.
func (r reader) check(t *testing.T, values []string) (written int) {
	want := map[string]string{}
	var file bytes.Buffer
	for i, value := range values {
		name := "ESCENV_TEST_" + strconv.Itoa(i)
		text, err := render.Text(variable(name, value), r.format)
		if err != nil {
			continue
		}
		file.Write(text)
		want[name] = value
	}
	got := r.read(t, file.Bytes())
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: %q came out as %q", r.name, value, got[name])
		}
	}
	for name := range got {
		if _, known := want[name]; !known && strings.HasPrefix(name, "ESCENV_TEST") {
			t.Errorf("there is a variable %s, and nobody wrote it", name)
		}
	}
	return len(want)
}

func (r reader) read(t *testing.T, file []byte) map[string]string {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	env, err := exec.LookPath("env")
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), r.argv[0], r.argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "FILE="+path, "ENVCMD="+env, "HOME="+dir)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Errorf("%s ran a value", r.name)
	}
	got := map[string]string{}
	if !r.nulls {
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		got[name] = value
	}
	return got
}

// hostileValues are made of pieces that mean something to a shell or a loader.
func hostileValues(n int) []string {
	pieces := []string{
		"'", `"`, "`", `\`, "$", "${X}", "$(touch ran)", "`touch ran`", "#", " ", "  ", "\t", "\n", "\n\n", "!", "!!", "~", "*", "?", "[a]", "{a,b}",
		"=", "==", "=ls", "&", "&&", "|", ";", ";;", "<", ">", "<<EOF", "(", ")", "-", "--", "-n", "%", "%s", "^", "@", "+", ",", ":", "/", ".", "\\n", `\\`, `\"`, `\'`,
		"export A=b", "ESCENV_TEST_X=1", "\nESCENV_TEST_X=1\n", "é", "日本", "a", "b", "true", "null", "1.10", "007", "\x01", "\x7f", "\u2028", "\ufeff",
	}
	random := mathrand.New(mathrand.NewPCG(1, 2))
	values := append([]string{""}, pieces...)
	for len(values) < n {
		var b strings.Builder
		for range 1 + random.IntN(6) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		values = append(values, b.String())
	}
	return append(values, strings.Repeat("x'", 2000), "-----BEGIN KEY-----\nMIIE/+=\n-----END KEY-----\n", `{"a": "b c"}`)
}

// runner reads text as the runner of GitHub Actions reads $GITHUB_ENV: on
// Windows a line may end in both characters.
func runner(text string, windows bool) (map[string]string, bool) {
	got := map[string]string{}
	next := func() (line, end string, ok bool) {
		if text == "" {
			return "", "", false
		}
		line, rest, found := strings.Cut(text, "\n")
		if found {
			end = "\n"
		}
		text = rest
		if found && windows && strings.HasSuffix(line, "\r") {
			line, end = line[:len(line)-1], "\r\n"
		}
		return line, end, true
	}
	for {
		line, _, ok := next()
		if !ok {
			return got, true
		}
		equals, here := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case line == "":
		case equals >= 0 && (here < 0 || equals < here):
			got[line[:equals]] = line[equals+1:]
		case here > 0 && line[here+2:] != "":
			name, mark, value, last := line[:here], line[here+2:], "", ""
			for {
				line, end, ok := next()
				if !ok {
					return nil, false
				}
				if line == mark {
					break
				}
				value += last + line
				last = end
			}
			got[name] = value
		default:
			return nil, false
		}
	}
}

// FuzzGitHubEnv: what is not refused is one variable to the runner, on every
// system, and no other.
func FuzzGitHubEnv(f *testing.F) {
	for _, value := range hostileValues(100) {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		text, err := render.Text(variable("NAME", value), "github-env")
		if err != nil {
			return
		}
		for _, windows := range []bool{false, true} {
			got, ok := runner(string(text), windows)
			if !ok || len(got) != 1 || got["NAME"] != value {
				t.Errorf("%q is written %q and read %q", value, text, got)
			}
		}
	})
}

func TestGitHubEnv(t *testing.T) {
	draw := func(times int) render.Input {
		in := variable("KEY", "a\nescenv_"+strings.Repeat("00", 16)+"\nEVIL=1")
		in.Random = bytes.NewReader(append(make([]byte, 16), bytes.Repeat([]byte{0xab}, 16*times)...))
		return in
	}
	end := "escenv_" + strings.Repeat("ab", 16)
	text, err := render.Text(draw(1), "github-env")
	want := "KEY<<" + end + "\na\nescenv_" + strings.Repeat("00", 16) + "\nEVIL=1\n" + end + "\n"
	if err != nil || string(text) != want {
		t.Errorf("%q, %v; want %q: the delimiter of the value is drawn again", text, err, want)
	}
	if text, err := render.Text(draw(0), "github-env"); err == nil {
		t.Errorf("without another delimiter there is %q", text)
	}
	for _, in := range []render.Input{
		variable("GITHUB_TOKEN", "x"), variable("runner_os", "x"), variable("NODE_OPTIONS", "x"), variable("A", "\xff"), variable("A", "x\r"),
	} {
		_, err := render.Text(in, "github-env")
		wantInvalid(t, in.Variables[0].Name, err)
	}
	two := render.Input{Variables: []esc.Variable{{Name: "A", Value: esc.New("1")}, {Name: "B", Value: esc.New("")}}, Random: rand.Reader}
	text, err = render.Text(two, "github-env")
	if got, ok := runner(string(text), false); err != nil || !ok || len(got) != 2 || got["A"] != "1" {
		t.Errorf("%v %q", err, got)
	}
	if marks := strings.Fields(string(text)); marks[0][len("A<<"):] == marks[len(marks)-2][len("B<<"):] {
		t.Errorf("two values have the delimiter %s", marks[0])
	}
}
