package escenv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// An example is a command of a page and what it prints.
type example struct{ command, output string }

// pageExamples returns what stands in a page's console blocks. Everything up to
// the next line that begins with "$ " is what a command prints.
func pageExamples(t *testing.T, page string) (found []example) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				found = append(found, example{command: strings.TrimSuffix(command, "\n")})
				continue
			}
			found[len(found)-1].output += line
		}
	}
	return found
}

// TestTheLanguagePagesCommands runs what the page shows, in order. What it
// shows of definitions with cat is what they are.
func TestTheLanguagePagesCommands(t *testing.T) {
	examples := pageExamples(t, "docs/language.md")
	if len(examples) < 15 {
		t.Fatalf("the page has %d commands", len(examples))
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "page.txtar"), "page\n")
	params := scriptParams(dir)
	params.Cmds["page"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		for _, e := range examples {
			runExample(ts, e)
		}
	}
	runScripts(t, params, leaksFail)
	for _, format := range []string{"yaml", "string", "detailed", "dotenv", "github-env", "shell", "bash", "zsh", "fish"} {
		if !slices.ContainsFunc(examples, func(e example) bool { return strings.Contains(e.command, "--format "+format) }) {
			t.Errorf("the page has no example of the format %s", format)
		}
	}
}

// runExample runs a command in a shell, and makes the file that a page says cat
// prints. … in its output stands for anything.
func runExample(ts *testscript.TestScript, e example) {
	if file, ok := strings.CutPrefix(e.command, "cat ~/"); ok {
		path := filepath.Join(ts.Getenv("HOME"), file)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
		ts.Check(os.WriteFile(path, []byte(e.output), 0o600))
	}
	cmd := exec.Command("sh", "-c", e.command)
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(scriptEnviron(ts), "GITHUB_ENV="+ts.MkAbs("github.env"))
	out, err := cmd.CombinedOutput()
	wanted := "^" + strings.ReplaceAll(regexp.QuoteMeta(e.output), "…", ".*") + "$"
	if !regexp.MustCompile(wanted).Match(out) {
		ts.Fatalf("$ %s\n%s%v; the page says\n%s", e.command, out, err, e.output)
	}
	if failed := err != nil; failed != strings.Contains(e.output, "error") {
		ts.Fatalf("$ %s\n%s%v", e.command, out, err)
	}
}
