package escenv_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// No script may print a secret, or leave one anywhere. The rule:
//
//   - standard error holds none, whatever the command;
//   - standard output holds none, unless the command line asks to reveal;
//   - files of escenv's own hold none, but definitions and the issuer's key;
//   - other files hold none, but what the script came with and copies of it,
//     of what was revealed, and of what the cloud beside it keeps for itself.

// secrets are what secrets in scripts look like: the words that definitions
// use, and what issuers and devcloud make.
var secrets = map[string]*regexp.Regexp{
	"a password":           regexp.MustCompile(`correct-horse`),
	"a static key":         regexp.MustCompile(`wJalrXUtnFEMI`),
	"a private key":        regexp.MustCompile(`MI[GI][A-Za-z0-9+/]{12}|G9w0BAQEFAASCBKcwggSj`),
	"an identity token":    regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`),
	"a session's key":      regexp.MustCompile(`[A-Z2-7]{40}`), // rand.Text, joined: the token is one, too
	"a password in base64": regexp.MustCompile(`Y29ycmVjdC1ob3JzZ`),
}

// reveals matches command lines that ask to see secrets.
var reveals = regexp.MustCompile(`escenv (open|export|credential-process)\b|--no-mask|--show-secrets|escenv run \S+ -i `)

// A canary is the testing.T of one script. It reads what the script printed
// from testscript's log.
type canary struct {
	*testing.T
	script []byte
	tell   func(t *testing.T, leak string)

	given [][]byte // the files it came with
	left  []leftover
}

// A leftover is a file with a secret in it.
type leftover struct {
	path, what string
	text       []byte
	ours       bool // escenv's own, and no copy that the script made
}

// runScripts runs the scripts in the directory of p, and tells of each leak.
func runScripts(t *testing.T, p testscript.Params, tell func(t *testing.T, leak string)) {
	testscript.RunT(scripts{t, p.Dir, tell}, p)
}

// leaksFail lets a script fail that leaks.
func leaksFail(t *testing.T, leak string) {
	t.Helper()
	t.Errorf("canary: %s", leak)
}

// scripts makes a canary for each script.
type scripts struct {
	*testing.T
	dir  string
	tell func(t *testing.T, leak string)
}

func (s scripts) Verbose() bool { return testing.Verbose() }

func (s scripts) Run(name string, f func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) {
		script, err := os.ReadFile(filepath.Join(s.dir, name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		commands, _, _ := bytes.Cut(script, []byte("\n-- "))
		f(&canary{T: t, script: fmt.Appendf(nil, "\n%s\n", commands), tell: s.tell})
	})
}

// Verbose keeps what was printed in passages that went well in the log.
func (c *canary) Verbose() bool { return true }

// Run is not called: scripts have no scripts in them.
func (c *canary) Run(string, func(testscript.T)) { panic("a script within a script") }

// Log is called once, with all that the script did and printed, when its files
// have been searched.
func (c *canary) Log(args ...any) {
	log := fmt.Sprint(args...)
	if testing.Verbose() || c.Failed() {
		c.T.Log(log)
	}
	revealed := c.searchLog(log)
	for _, file := range c.left {
		if file.ours || !holdsCopy(append(c.given, revealed...), file.text) {
			c.tell(c.T, file.what+" in "+file.path)
		}
	}
}

// searchLog tells of secrets in what was printed, and returns what was printed
// by commands that reveal.
func (c *canary) searchLog(log string) (revealed [][]byte) {
	command, stream := "", ""
	printed := &bytes.Buffer{}
	end := func() {
		if stream == "[stdout]" && reveals.MatchString(command) {
			revealed = append(revealed, bytes.Clone(printed.Bytes()))
		} else if stream != "" {
			for _, what := range find(printed.Bytes()) {
				c.tell(c.T, what+" in "+stream+" of "+command)
			}
		}
		printed.Reset()
	}
	for line := range strings.Lines(log) {
		word := strings.TrimSuffix(line, "\n")
		switch {
		case c.isCommand(word):
			end()
			command, stream = word[2:], ""
		case word == "[stdout]" || word == "[stderr]":
			end()
			stream = word
		default:
			printed.WriteString(line)
		}
	}
	end()
	return revealed
}

// isCommand reports whether a line of the log is not just printed to look like
// one of the script.
func (c *canary) isCommand(line string) bool {
	command, ok := strings.CutPrefix(line, "> ")
	return ok && bytes.Contains(c.script, []byte("\n"+command+"\n"))
}

// keep remembers the files that a script came with.
func (c *canary) keep(dir string) error {
	return eachFile(dir, func(_ string, text []byte) { c.given = append(c.given, text) })
}

// search remembers the files below dirs that have a secret in them.
func (c *canary) search(dirs ...string) error {
	for _, dir := range dirs {
		err := eachFile(dir, func(path string, text []byte) {
			if belongs(path) {
				return
			}
			ours := strings.Contains(path, "/escenv/")
			for _, what := range find(text) {
				c.left = append(c.left, leftover{path, what, text, ours})
			}
			for _, what := range find([]byte(path)) {
				c.left = append(c.left, leftover{"the name of " + path, what, nil, true})
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// belongs reports whether secrets may be in the file at path: definitions, the
// issuer's key, and what devcloud keeps.
func belongs(path string) bool {
	return strings.Contains(path, "/.config/escenv/environments/") || strings.HasSuffix(path, "/.config/escenv/issuer/key.pem") ||
		filepath.Base(path) == "cloud.json"
}

func eachFile(dir string, look func(path string, text []byte)) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			look(path, text)
		}
		return err
	})
}

func find(text []byte) (found []string) {
	for what, secret := range secrets {
		if secret.Match(text) {
			found = append(found, what)
		}
	}
	return found
}

func holdsCopy(texts [][]byte, text []byte) bool {
	for _, known := range texts {
		if bytes.Contains(known, text) {
			return true
		}
	}
	return false
}

func TestCanaryFindsWhatLeaks(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		want   []string // a part of each leak
	}{
		"standard error":          {"exec sh -c 'cat password >&2 # escenv open'", []string{"[stderr] of exec sh"}},
		"standard output":         {"exec cat password", []string{"[stdout] of exec cat"}},
		"output like a command":   {"exec sed 's/^/> /' password", []string{"[stdout] of exec sed"}},
		"a command that fails":    {"! exec sh -c 'cat password; exit 1'", []string{"[stdout] of ! exec sh"}},
		"the first of many":       {"exec cat password\n# more\nexec true", []string{"[stdout] of exec cat"}},
		"a terminal":              {"ttyrun cat password", []string{"[stdout] of ttyrun", "/screen"}},
		"the home":                {"exec sh -c 'sed s/^/x/ password > $HOME/.note'", []string{"/home/.note"}},
		"a copy of escenv's own":  {"mkdir home/.local/state/escenv\ncp password home/.local/state/escenv/copy", []string{"/escenv/copy"}},
		"the runtime directory":   {"exec sh -c 'mkdir $XDG_RUNTIME_DIR/escenv; cp password $XDG_RUNTIME_DIR/escenv/p'", []string{"/escenv/p"}},
		"a file's name":           {"exec sh -c 'touch $(cat password)'", []string{"a password in the name of"}},
		"an identity token":       {"exec echo eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL3g", []string{"an identity token in [stdout]"}},
		"a session":               {"exec echo ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGH", []string{"a session's key in [stdout]"}},
		"an issuer's key":         {"exec escenv issuer init https://id.example.com\ncp home/.config/escenv/issuer/key.pem home/key", []string{"a private key in "}},
		"nothing leaks":           {"exec echo fine\ncp password copied", nil},
		"what is revealed is not": {"exec sh -c 'cat password # escenv open'\ncp stdout copied", nil},
		"nor is a definition":     {"mkdir home/.config/escenv/environments\ncp password home/.config/escenv/environments/x.yaml", nil},
	} {
		t.Run(name, func(t *testing.T) {
			leaks := leaksOf(t, tc.script)
			if len(leaks) != len(tc.want) {
				t.Fatalf("found %q, want %q", leaks, tc.want)
			}
			for i, want := range tc.want {
				if !strings.Contains(leaks[i], want) {
					t.Errorf("found %q, want %q", leaks[i], want)
				}
			}
		})
	}
}

// leaksOf runs a script that has a password in a file.
func leaksOf(t *testing.T, script string) (leaks []string) {
	t.Helper()
	dir := t.TempDir()
	text := script + "\n-- password --\ncorrect-horse-battery\n"
	if err := os.WriteFile(filepath.Join(dir, "leak.txtar"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("script", func(t *testing.T) { // returns when the script, which runs beside others, has ended
		runScripts(t, scriptParams(dir), func(_ *testing.T, leak string) { leaks = append(leaks, leak) })
	})
	return leaks
}
