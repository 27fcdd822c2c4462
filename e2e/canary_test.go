package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// A canary knows every secret of the run and looks for them where they must
// not be.
type canary struct {
	mu           sync.Mutex
	secrets      map[string]string // secret: what it is
	commandLines map[string]bool
	files, bytes int
}

func newCanary() *canary {
	return &canary{secrets: map[string]string{}, commandLines: map[string]bool{}}
}

// learn remembers a secret.
func (c *canary) learn(what, secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if secret != "" {
		c.secrets[secret] = what
	}
}

func (c *canary) String() string {
	return fmt.Sprintf("canary: %d secrets in none of %d files (%d bytes) and %d command lines",
		len(c.secrets), c.files, c.bytes, len(c.commandLines))
}

// notOurs are the directories below the laboratory that escenv does not write:
// what the servers store, and the identity tokens that tests hand in.
var notOurs = map[string]bool{"server": true, "given": true, "bin": true}

// keyFile is the one place for an issuer's private key.
const keyFile = "/.config/escenv/issuer/key.pem"

// learnKeys remembers every issuer's private key below dir.
func (c *canary) learnKeys(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, keyFile) {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
				c.learn("an issuer's key", line)
			}
		}
		return err
	})
}

// search reads every file below dir, and what else was seen, and returns where
// a secret is.
func (c *canary) search(dir string) (leaks []string) {
	if err := c.learnKeys(dir); err != nil {
		leaks = append(leaks, "cannot look: "+err.Error())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range c.commandLines {
		leaks = append(leaks, c.find("the command line of "+strings.SplitN(line, "\x00", 2)[0], []byte(line))...)
	}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			leaks = append(leaks, "cannot look: "+err.Error())
		case d.IsDir() && notOurs[d.Name()]:
			return filepath.SkipDir
		case d.Type().IsRegular() && !strings.HasSuffix(path, keyFile):
			leaks = append(leaks, c.searchFile(path)...)
		}
		return nil
	})
	sort.Strings(leaks)
	return leaks
}

func (c *canary) searchFile(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return []string{"cannot look: " + err.Error()}
	}
	c.files++
	c.bytes += len(text)
	return c.find(path, text)
}

func (c *canary) find(where string, text []byte) (leaks []string) {
	for secret, what := range c.secrets {
		if bytes.Contains(text, []byte(secret)) {
			leaks = append(leaks, what+" in "+where)
		}
	}
	return leaks
}

// watchCommandLines notes the command line of every process until stop is
// called.
func (c *canary) watchCommandLines() (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			c.noteCommandLines()
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

func (c *canary) noteCommandLines() {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil || len(line) == 0 {
			continue // it has ended, or is the kernel's
		}
		c.mu.Lock()
		c.commandLines[string(line)] = true
		c.mu.Unlock()
	}
}

func TestCanaryFindsWhatLeaks(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"home/state": "key=wJalrXUtnFEMI", "home/fine": "nothing", "server/db": "wJalrXUtnFEMI",
		"home" + keyFile: "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n", "home/site/keys.json": "MIGHAgEAMBMG",
	} {
		path := filepath.Join(dir, file)
		os.MkdirAll(filepath.Dir(path), 0o700)
		os.WriteFile(path, []byte(text), 0o600)
	}
	c := newCanary()
	c.learn("a secret key", "wJalrXUtnFEMI")
	c.commandLines["curl\x00-d\x00wJalrXUtnFEMI"] = true

	leaks := strings.Join(c.search(dir), "\n")
	want := "a secret key in " + dir + "/home/state\na secret key in the command line of curl\nan issuer's key in " + dir + "/home/site/keys.json"
	if leaks != want {
		t.Errorf("found:\n%s\nwant:\n%s", leaks, want)
	}
}
