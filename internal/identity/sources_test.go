package identity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/identity"
)

var request = esc.TokenRequest{Audience: audience, Site: esc.Site{Root: "shop/dev", Current: "shop/dev"}}

func fileSource(path string) identity.File { return identity.File{Path: path, Now: noon} }

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Kubernetes puts a token behind two symbolic links and swaps one of them.
func TestAFileIsReadEachTime(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "first"), token(claims("alice", "first"))+"\n")
	writeFile(t, filepath.Join(dir, "second"), token(claims("alice", "second"))+"\n")
	link := filepath.Join(dir, "token")
	for _, name := range []string{"first", "second"} {
		os.Remove(link)
		if err := os.Symlink(name, link); err != nil {
			t.Fatal(err)
		}
		got, err := fileSource(link).Token(t.Context(), request)
		if err != nil || got.Subject != name {
			t.Errorf("%v, %v; want %s's token", got, err, name)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	_, err := fileSource(filepath.Join(dir, "missing")).Token(t.Context(), request)
	wantError(t, err, esc.NotFound, "there is no identity token file "+dir+"/missing")

	_, err = fileSource(dir).Token(t.Context(), request)
	wantError(t, err, esc.Invalid, dir+" is not a regular file")

	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = fileSource(fifo).Token(t.Context(), request) // and does not hang
	wantError(t, err, esc.Invalid, fifo+" is not a regular file")

	long := writeFile(t, filepath.Join(dir, "long"), strings.Repeat("x", 20_001))
	_, err = fileSource(long).Token(t.Context(), request)
	wantError(t, err, esc.Invalid, "the identity token file "+long+" is longer than 20000 bytes")

	empty := writeFile(t, filepath.Join(dir, "empty"), "\n")
	_, err = fileSource(empty).Token(t.Context(), request)
	wantError(t, err, esc.Invalid, "is not an identity token")
}

// The shared agent never looks into an environment for a token.
func TestTheSharedAgentSendsCallersAway(t *testing.T) {
	environ := []string{"TOKEN=" + token(claims()), "ACTIONS_ID_TOKEN_REQUEST_URL=https://x.invalid", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=canary", "AWS_WEB_IDENTITY_TOKEN_FILE=/nonexistent"}
	for name, source := range map[string]esc.TokenSource{
		"variable": identity.Env{Name: "TOKEN", Environ: environ, Now: noon},
		"github":   identity.GitHubActions{Environ: environ, Now: noon},
		"ambient":  identity.Ambient{Environ: environ, Now: noon},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := source.Token(t.Context(), request)
			wantError(t, err, esc.CallerIdentity, "of the caller, which the shared agent does not read")
		})
	}
}

func TestAVariableThatIsNotSet(t *testing.T) {
	for _, environ := range [][]string{nil, {"TOKEN="}, {"TOKENS=x", "token=x"}} {
		_, err := identity.Env{Name: "TOKEN", Environ: environ, Private: true, Now: noon}.Token(t.Context(), request)
		wantError(t, err, esc.NotFound, "the environment variable TOKEN, which should hold the identity token, is not set")
	}
}

// command returns a source that runs a shell script.
func command(t *testing.T, script string) identity.Command {
	t.Helper()
	c, err := identity.NewCommand(identity.Options{
		Command: []string{"sh", "-c", script, "sh", "canary-argument"}, Environ: []string{"PATH=/usr/bin:/bin", "MINT=" + token(claims())}, Now: noon,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACommandPrintsATokenAndSeesItsEnvironment(t *testing.T) {
	var progress []string
	ctx := esc.WithProgress(t.Context(), func(words string) { progress = append(progress, words) })
	c := command(t, `read nothing && exit 1; echo "$MINT"; echo talk >&2`)
	got, err := c.Token(ctx, request)
	if err != nil || got.Subject != "alice" {
		t.Errorf("%v, %v", got, err)
	}
	if fmt.Sprint(progress) != "[waiting for sh]" || strings.Contains(c.String(), "canary") {
		t.Errorf("progress %q, source %q", progress, c)
	}
}

func TestACommandThatFails(t *testing.T) {
	_, err := command(t, `echo "vault: permission denied" >&2; printf '\033[31m%s' "$MINT" >&2; exit 3`).Token(t.Context(), request)
	wantError(t, err, esc.Unavailable, "failed: exit status 3: vault: permission denied [secret]")
	if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), signature) {
		t.Errorf("a secret is in %q", err)
	}

	_, err = command(t, `yes "$MINT" >&2 & yes complaint | head -c 100000 >&2; kill $!; exit 1`).Token(t.Context(), request)
	wantError(t, err, esc.Unavailable, "failed: exit status 1: ")
	if len(err.Error()) > 500 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}

	_, err = command(t, `yes`).Token(t.Context(), request) // and ends
	wantError(t, err, esc.Invalid, "printed more than the 20000 bytes")

	_, err = command(t, `echo hello`).Token(t.Context(), request)
	wantError(t, err, esc.Invalid, "is not an identity token")

	_, err = identity.Command{Argv: []string{"/nonexistent/mint"}, Timeout: time.Minute, Now: noon}.Token(t.Context(), request)
	wantError(t, err, esc.Unavailable, "no such file")
}

// A command that hangs ends when its time is up, and its children with it:
// nobody is left who could write to the pipe.
func TestACommandThatHangs(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := command(t, `sleep 1000 3>`+pipe+` & sleep 1000`)
	c.Timeout = 200 * time.Millisecond
	_, err = c.Token(t.Context(), request)
	wantError(t, err, esc.Unavailable, "did not end within 200ms")
	r.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(r); err != nil {
		t.Errorf("a child is alive: %v", err)
	}
}

func TestWhoeverWaitsForACommandCanLeave(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := command(t, `sleep 1000`).Token(ctx, request); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// What a directory on the PATH gets after the start does not matter, and a
// relative one never does.
func TestACommandIsLookedUpAtTheStart(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := errors.Join(os.Mkdir("a", 0o700), os.Mkdir("b", 0o700)); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho '" + token(claims()) + "'\n"
	mint := writeFile(t, filepath.Join(dir, "b", "mint"), script)
	environ := []string{"PATH=b:" + filepath.Join(dir, "a") + ":" + filepath.Join(dir, "b")}

	_, err := identity.NewCommand(identity.Options{Command: []string{"mint"}, Environ: environ, Now: noon})
	wantError(t, err, esc.NotFound, "there is no program mint on the PATH") // it is not executable
	if err := os.Chmod(mint, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := identity.NewCommand(identity.Options{Command: []string{"mint"}, Environ: environ, Now: noon})
	if err != nil || c.Argv[0] != mint {
		t.Fatalf("%v, %v; want %s", c, err, mint)
	}
	if err := os.Chmod(writeFile(t, filepath.Join(dir, "a", "mint"), "#!/bin/sh\necho hijacked\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Token(t.Context(), request); err != nil {
		t.Error(err)
	}
	_, err = identity.NewCommand(identity.Options{Command: []string{"./b/mint"}, Environ: environ, Now: noon})
	wantError(t, err, esc.NotFound, "there is no program ./b/mint")
}

func TestNewChooses(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "token"), token(claims()))
	ambient := []string{"AWS_WEB_IDENTITY_TOKEN_FILE=" + file}
	github := append(slices.Clone(ambient), "ACTIONS_ID_TOKEN_REQUEST_URL=https://x.invalid", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=canary")
	if _, err := identity.InitIssuer(filepath.Join(dir, "issuer"), "https://id.example.com"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		options identity.Options
		want    string
	}{
		{"file", identity.Options{File: file}, "file " + file},
		{"variable", identity.Options{Env: "TOKEN"}, "environment variable TOKEN"},
		{"command", identity.Options{Command: []string{"/bin/sh", "canary"}}, "command /bin/sh"},
		{"github", identity.Options{GitHub: true}, "GitHub Actions"},
		{"issuer", identity.Options{Issuer: true, IssuerDir: dir + "/issuer", Environ: ambient, Private: true}, "issuer https://id.example.com"},
		{"nothing said", identity.Options{IssuerDir: dir + "/issuer"}, "issuer https://id.example.com"},
		{"nothing said, in a pod", identity.Options{IssuerDir: dir + "/issuer", Environ: ambient, Private: true}, "file " + file},
		{"nothing said, in a job", identity.Options{IssuerDir: dir + "/issuer", Environ: github, Private: true}, "GitHub Actions"},
		{"nothing said, shared", identity.Options{IssuerDir: dir + "/issuer", Environ: github}, "issuer https://id.example.com"},
		{"nothing there", identity.Options{IssuerDir: dir + "/none"}, "none: there is no identity to ask AWS with"},
	} {
		tt.options.Now = noon
		source, err := identity.New(tt.options)
		if err != nil || fmt.Sprint(source) != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.name, source, err, tt.want)
		}
	}
}

func TestWithNothingConfigured(t *testing.T) {
	source, err := identity.New(identity.Options{IssuerDir: filepath.Join(t.TempDir(), "issuer"), Private: true, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	_, err = source.Token(t.Context(), request)
	wantError(t, err, esc.NotFound, "there is no identity to ask AWS with")
	var e *esc.Error
	if errors.As(err, &e) && !strings.Contains(e.Hint, "escenv issuer init") {
		t.Errorf("hint %q", e.Hint)
	}
}

func TestAnAmbientFile(t *testing.T) {
	file := writeFile(t, filepath.Join(t.TempDir(), "token"), token(claims()))
	source, err := identity.New(identity.Options{Environ: []string{"AWS_WEB_IDENTITY_TOKEN_FILE=" + file}, Private: true, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := source.Token(t.Context(), request); err != nil || got.Subject != "alice" {
		t.Errorf("%v, %v", got, err)
	}
	_, err = identity.Ambient{Environ: []string{"AWS_WEB_IDENTITY_TOKEN_FILE=token"}, Private: true, Now: noon}.Token(t.Context(), request)
	wantError(t, err, esc.Invalid, "AWS_WEB_IDENTITY_TOKEN_FILE is not an absolute path")
	_, err = identity.Ambient{Private: true, Now: noon}.Token(t.Context(), request)
	wantError(t, err, esc.NotFound, "there is no identity")
}

// Whoever reads a hint finds the file it speaks of.
func TestHintsNameTheSettings(t *testing.T) {
	const settings = "/home/alice/.config/escenv/config.yaml"
	dir := t.TempDir()
	if _, err := identity.InitIssuer(dir+"/issuer", "https://id.example.com"); err != nil {
		t.Fatal(err)
	}
	foreign := token(claims(audience, "other"))
	for name, o := range map[string]identity.Options{
		"no identity":     {IssuerDir: dir + "/none"},
		"no user":         {IssuerDir: dir + "/issuer", Issuer: true},
		"no file":         {File: dir + "/none"},
		"no variable":     {Env: "TOKEN", Private: true},
		"no program":      {Command: []string{"no-such-program"}},
		"program fails":   {Command: []string{"/bin/sh", "-c", "exit 1"}},
		"wrong audience":  {Env: "TOKEN", Environ: []string{"TOKEN=" + foreign}, Private: true},
		"ambient no file": {Environ: []string{"AWS_WEB_IDENTITY_TOKEN_FILE=" + dir + "/none"}, Private: true},
	} {
		o.Settings, o.Now = settings, noon
		source, err := identity.New(o)
		if err == nil {
			_, err = source.Token(t.Context(), request)
		}
		var e *esc.Error
		if !errors.As(err, &e) || !strings.Contains(e.Hint, settings) {
			t.Errorf("%s: %v, hint %+v", name, err, e)
		}
	}
}
