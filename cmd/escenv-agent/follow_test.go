package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// tells runs a change and waits until shells are told to ask again.
func (h *home) tells(what string, change func()) {
	h.t.Helper()
	before := h.generation()
	change()
	eventually(h.t, "the shells are told of "+what, func() bool { return h.generation().After(before) })
}

func (h *home) write(name, text string) func() {
	return func() {
		h.t.Helper()
		file := filepath.Join(h.dir, name)
		must(h.t, os.MkdirAll(filepath.Dir(file), 0o700))
		must(h.t, os.WriteFile(file+"~", []byte(text), 0o600)) // as editors save
		must(h.t, os.Rename(file+"~", file))
	}
}

// TestWhateverDecidesWhatShellsGetIsFollowed begins with nothing at all: the
// directories come later, too.
func TestWhateverDecidesWhatShellsGetIsFollowed(t *testing.T) {
	h := newHome(t)
	h.start()
	h.tells("a first definition", h.write(".config/escenv/environments/shop/dev.yaml", plain))
	h.tells("an edit", h.write(".config/escenv/environments/shop/dev.yaml", plain+"\n"))
	h.tells("a definition in a new project", h.write(".config/escenv/environments/more/dev.yaml", plain))
	h.tells("an issuer", func() { h.run("one", "issuer", "init", "https://id.example.com") })
	h.tells("the configuration", h.write(".config/escenv/config.yaml", "identity: {file: "+h.dir+"/mounted/token}\n"))
	_, err := h.status() // it has read that
	must(t, err)
	h.tells("an identity token in a directory of its own", h.write("mounted/token", token("alice")))
	h.tells("another token", h.write("mounted/token", token("alice")))
	h.tells("its end", func() { must(t, os.Remove(filepath.Join(h.dir, "mounted/token"))) })
}

// token is an identity token for somebody, as far as anybody here can tell.
func token(who string) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	claims := fmt.Sprintf(`{"iss":"https://id.example.com","aud":"sts.amazonaws.com","sub":%q,"iat":%d,"exp":%d}`,
		who, time.Now().Unix(), time.Now().Add(time.Hour).Unix())
	return part(`{"alg":"ES256","kid":"1"}`) + "." + part(claims) + "." + part(strings.Repeat("s", 64))
}

// TestAnotherPersonGetsNothingOfTheLast: who logs in as somebody else does not
// go on with what was opened before; a fresh token of the same person changes
// nothing.
func TestAnotherPersonGetsNothingOfTheLast(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	h.write(".config/escenv/config.yaml", "identity: {file: "+h.dir+"/token}\n")()
	h.write("token", token("alice"))()
	h.start()
	opened := func() int {
		status, err := h.status()
		must(t, err)
		return len(status.Environments)
	}
	h.variable()
	h.tells("a token", h.write("token", token("alice")))
	if opened() != 1 {
		t.Errorf("%d environments are kept for the same person", opened())
	}
	h.tells("another person", h.write("token", token("bob")))
	eventually(t, "what was opened is forgotten", func() bool { return opened() == 0 })
}

// TestALockOutlivesItsAgent, however that ends.
func TestALockOutlivesItsAgent(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	h.start()
	h.variable()
	h.tells("the lock", func() { h.run("one", "agent", "lock") })
	refused := func(why string) {
		t.Helper()
		_, err := h.client().Open(context.Background(), esc.Request{Refs: []esc.Ref{{Project: "shop", Name: "dev"}}})
		if e, ok := errors.AsType[*esc.Error](err); !ok || e.Kind != esc.Locked {
			t.Errorf("%s it answers %v", why, err)
		}
	}
	refused("locked")
	status, err := h.status()
	must(t, err)
	must(t, syscall.Kill(status.PID, syscall.SIGKILL))
	h.start()
	refused("killed")
	h.run("one", "agent", "stop")
	h.start()
	refused("stopped")
	if _, talk := h.run("one", "exec", "-e", "shop/dev", "--", "true"); !strings.Contains(talk, "escenv: hint: escenv agent unlock") {
		t.Errorf("exec says %s", talk)
	}
	h.tells("the end of the lock", func() { h.run("one", "agent", "unlock") })
	if got := h.variable(); got != "1" {
		t.Errorf("got %s", got)
	}
}

// TestAHolderIsCountedWhileItLives counts a process as long as it lives.
func TestAHolderIsCountedWhileItLives(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	h.start()
	shell := exec.Command("sleep", "1000")
	must(t, shell.Start())
	open := wire.OpenArgs{Refs: []esc.Ref{{Project: "shop", Name: "dev"}}, Hook: true, Holder: shell.Process.Pid}
	holders := func() int {
		status, err := h.status()
		must(t, err)
		return status.Environments[0].Holders
	}
	hold := func() {
		must(t, h.client().Call(t.Context(), wire.OpOpen, open, nil))
		if n := holders(); n != 1 {
			t.Errorf("%d processes use it", n)
		}
	}
	hold()
	must(t, h.client().Call(t.Context(), wire.OpRelease, wire.ReleaseArgs{Holder: shell.Process.Pid}, nil))
	if n := holders(); n != 0 {
		t.Errorf("%d processes use what was released", n)
	}
	hold()
	must(t, shell.Process.Kill())
	_ = shell.Wait()
	if n := holders(); n != 0 {
		t.Errorf("%d dead processes use it", n)
	}
	open.Holder = 1 // root's, or not there: who cares that it lives?
	must(t, h.client().Call(t.Context(), wire.OpOpen, open, nil))
	if n := holders(); n > 0 && os.Geteuid() != 0 {
		t.Errorf("another user's process counts")
	}
}

// TestASameUsersProcessCannotReadTheAgent runs the real one as a user that may
// not read everything anyway.
func TestASameUsersProcessCannotReadTheAgent(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become a user of whom nobody else runs anything")
	}
	h := newHome(t)
	h.define(plain)
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	must(t, filepath.WalkDir(h.dir, func(file string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chown(file, 65534, 65534))
	}))
	programs := filepath.Join(h.dir, "bin")
	must(t, os.MkdirAll(programs, 0o755))
	for _, name := range []string{"escenv", "escenv-agent"} {
		text, err := os.ReadFile(filepath.Join(binaries(t, "one"), name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(programs, name), text, 0o755))
	}
	as := func(name string, args ...string) (string, error) {
		cmd := exec.Command(name, args...)
		cmd.Env, cmd.Dir, cmd.SysProcAttr = h.environ, "/", nobody
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	escenv := filepath.Join(programs, "escenv")
	if out, err := as(escenv, "open", "shop/dev", "--format", "dotenv"); err != nil || !strings.HasPrefix(out, "A=") {
		t.Fatalf("got %s, %v", out, err)
	}
	t.Cleanup(func() { _, _ = as(escenv, "agent", "stop") })
	agents := h.agents()
	if len(agents) != 1 {
		t.Fatalf("agents: %v", agents)
	}
	for _, file := range []string{"environ", "mem", "maps", "fd", "root", "cwd"} {
		out, err := as("ls", filepath.Join("/proc", agents[0], file)+"/")
		if read, readErr := as("head", "-c1", filepath.Join("/proc", agents[0], file)); err == nil || readErr == nil {
			t.Errorf("%s can be read: %s%s", file, out, read)
		}
	}
	if out, err := as("head", "-c1", "/proc/self/maps"); err != nil {
		t.Errorf("nothing can be read here: %s", out)
	}
	if out, _ := as("kill", "-QUIT", agents[0]); out != "" {
		t.Errorf("it cannot be asked for a core file: %s", out)
	}
	eventually(t, "it has crashed", func() bool { return len(h.agents()) == 0 })
	if cores, _ := filepath.Glob(filepath.Join(h.dir, "core*")); len(cores) > 0 {
		t.Errorf("it left %v", cores)
	}
}
