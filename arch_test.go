// Package escenv_test holds the tests of the whole: the architecture as a
// table, and the scripts.
package escenv_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/escenv/escenv"

// arch says what each package may import besides the standard library: leaves
// nothing, rooms leaves and their own third-party modules, mains everything.
// Every package of the repository has a line, and every line a package.
var arch = map[string][]string{
	// leaves
	"internal/build":    {},
	"internal/clock":    {},
	"internal/esc":      {},
	"internal/headroom": {},
	"internal/proc":     {"golang.org/x/sys"},
	"internal/safefile": {},
	"shells":            {},

	// rooms
	"hooks":                         {"shells"},
	"internal/activation":           {"internal/esc", "internal/safefile"},
	"internal/agent":                {"internal/esc", "internal/wire", "github.com/fsnotify/fsnotify", "golang.org/x/sys"},
	"internal/config":               {"internal/esc", "internal/safefile", "go.yaml.in/yaml/v3"},
	"internal/credentials":          {"internal/esc"},
	"internal/credserver":           {"internal/credentials", "internal/esc"},
	"internal/devcloud":             {"internal/esc", "internal/devcloud/policy", "internal/devcloud/sigv4", "internal/devcloud/webidentity", "github.com/johannesboyne/gofakes3"},
	"internal/devcloud/policy":      {},
	"internal/devcloud/sigv4":       {"github.com/aws/aws-sdk-go-v2"},
	"internal/devcloud/webidentity": {},
	"internal/eval":                 {"internal/esc", "internal/schema", "go.yaml.in/yaml/v3"},
	"internal/identity":             {"internal/esc", "internal/safefile", "github.com/go-jose/go-jose/v4"},
	"internal/mask":                 {},
	"internal/process":              {"internal/mask", "github.com/creack/pty", "github.com/mattn/go-isatty", "golang.org/x/sys", "golang.org/x/term"},
	"internal/projection":           {"internal/esc", "internal/proc", "internal/safefile", "golang.org/x/sys"},
	"internal/render":               {"internal/esc", "shells", "go.yaml.in/yaml/v3"},
	"internal/provider/awslogin":    {"internal/esc", "internal/schema", "github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"},
	"internal/schema":               {"internal/esc"},
	"internal/store":                {"internal/esc", "internal/safefile"},
	"internal/trust":                {"internal/esc", "internal/safefile"},
	"internal/wire":                 {"internal/esc", "internal/safefile", "golang.org/x/sys"},

	// mains
	"cmd/escenv":          {"*"},
	"cmd/escenv-agent":    {"*"},
	"cmd/escenv-devcloud": {"*"},
}

// neverLinked is what the program a prompt waits for must not carry, and why.
var neverLinked = map[string]string{
	"net/http":                      "half a millisecond of start-up; escenv talks to nothing but the agent",
	"github.com/aws/aws-sdk-go-v2/": "two milliseconds of start-up; the agent talks to AWS",
	"go.yaml.in/yaml/":              "the agent reads definitions",
	"gopkg.in/yaml.v3":              "the agent reads definitions",
	"github.com/go-jose/":           "identity tokens and keys never enter escenv",
	"github.com/fsnotify/":          "the agent watches files",
	"testing":                       "test code does not ship",
}

// TestEveryImportIsAllowed holds the source against the table.
func TestEveryImportIsAllowed(t *testing.T) {
	seen := map[string]bool{}
	for dir, imports := range sourceImports(t) {
		allowed, ok := arch[dir]
		if !ok {
			t.Errorf("%s is a new package: give it a line in arch", dir)
			continue
		}
		seen[dir] = true
		for imp, file := range imports {
			if !mayImport(allowed, imp) {
				t.Errorf("%s imports %s, which arch does not allow %s", file, imp, dir)
			}
		}
	}
	for dir := range arch {
		if !seen[dir] {
			t.Errorf("arch has a line for %s, which is not there", dir)
		}
	}
}

// neverWaitedFor is what the part of escenv that prompts and commands wait for
// must not carry besides: package initialization that costs more than all it
// does.
var neverWaitedFor = map[string]string{
	"github.com/urfave/cli/": "0.15 ms of start-up; the whole program reads the command line",
	"text/template":          "the command line's library prints help with it",
	"regexp":                 "0.05 ms of start-up",
	"log/slog":               "0.15 ms of start-up",
	"net":                    "the wire's system calls are made directly",
}

// TestEscenvStaysLight looks at what the linker really gets.
func TestEscenvStaysLight(t *testing.T) {
	whole, light := linked(t, "./cmd/escenv", "urfave_cli_no_docs"), linked(t, "./cmd/escenv", "escenv_light")
	for _, build := range []struct {
		name   string
		deps   []string
		banned map[string]string
	}{
		{"escenv", whole, neverLinked}, {"escenv, built light,", light, neverLinked}, {"escenv, built light,", light, neverWaitedFor},
	} {
		for _, dep := range build.deps {
			for banned, why := range build.banned {
				if dep == banned || strings.HasSuffix(banned, "/") && strings.HasPrefix(dep, banned) {
					t.Errorf("%s links %s: %s", build.name, dep, why)
				}
			}
		}
	}
	if !slices.Contains(linked(t, "./cmd/escenv-agent", ""), "net/http") || !slices.Contains(whole, "text/template") {
		t.Error("the lists of linked packages are not to be trusted: something is missing from them")
	}
}

func linked(t *testing.T, pkg, tags string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-tags", tags, pkg).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}

// sourceImports returns, for each package directory, what its shipped files
// import that is not of the standard library, and which file does.
func sourceImports(t *testing.T) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && file != "." || d.Name() == "testdata" || isModule(file)):
			return filepath.SkipDir
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := path.Dir(filepath.ToSlash(file))
		if found[dir] == nil {
			found[dir] = map[string]string{}
		}
		for _, spec := range f.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			if strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
				found[dir][imp] = file
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// isModule reports a directory that is a module of its own.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return dir != "." && err == nil
}

func mayImport(allowed []string, imp string) bool {
	imp = strings.TrimPrefix(imp, module+"/")
	return slices.ContainsFunc(allowed, func(a string) bool {
		return a == "*" || a == imp || strings.Contains(a, ".") && strings.HasPrefix(imp, a+"/")
	})
}
