package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/store"
	"github.com/escenv/escenv/internal/wire"
)

// These tests run both programs as they are installed.

// binaries builds escenv and escenv-agent as a build of that name.
func binaries(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(shared.dir, name)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	cmd := exec.Command("go", "build", "-tags", "urfave_cli_no_docs,escenv_testclock",
		"-ldflags", "-X github.com/escenv/escenv/internal/build.revision="+name, "-o", dir+"/",
		"github.com/escenv/escenv/cmd/escenv", "github.com/escenv/escenv/cmd/escenv-agent")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return dir
}

// shared holds what was built, for all tests of a run.
var shared struct {
	mu  sync.Mutex
	dir string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "escenv-agent")
	if err != nil {
		panic(err)
	}
	shared.dir = dir
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// A home is a user's, with both programs.
type home struct {
	t       *testing.T
	dir     string
	environ []string
}

func newHome(t *testing.T) *home {
	t.Helper()
	dir, err := os.MkdirTemp("", "home")
	must(t, err)
	h := &home{t: t, dir: dir, environ: []string{
		"HOME=" + dir, "XDG_RUNTIME_DIR=" + filepath.Join(dir, "run"), "PATH=/usr/bin:/bin", "USER=alice",
	}}
	must(t, os.Mkdir(filepath.Join(dir, "run"), 0o700))
	t.Cleanup(func() {
		h.run("one", "agent", "stop")
		_ = os.RemoveAll(dir)
	})
	return h
}

// run runs escenv of a build and returns what it printed.
func (h *home) run(build string, args ...string) (stdout, stderr string) {
	h.t.Helper()
	cmd := exec.Command(filepath.Join(binaries(h.t, build), "escenv"), args...)
	var out, talk strings.Builder
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = h.environ, h.dir, &out, &talk
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(&talk, "(%v)", err)
	}
	return out.String(), talk.String()
}

// status asks the agent for its own.
func (h *home) status() (wire.StatusResult, error) {
	var status wire.StatusResult
	return status, h.client().Call(context.Background(), wire.OpStatus, nil, &status)
}

func (h *home) client() *wire.Client {
	sockets, _ := filepath.Glob(filepath.Join(h.dir, "run", "escenv", "*.sock"))
	path := filepath.Join(h.dir, "run", "escenv", "none.sock")
	if len(sockets) == 1 {
		path = sockets[0]
	}
	return &wire.Client{Build: "0.1.0-dev+one", Dial: wire.DialSocket(path)}
}

// start starts the agent and returns its process id.
func (h *home) start() int {
	h.t.Helper()
	if _, talk := h.run("one", "agent", "start"); talk != "" {
		h.t.Fatalf("starting the agent: %s", talk)
	}
	status, err := h.status()
	must(h.t, err)
	return status.PID
}

func (h *home) define(text string) {
	h.t.Helper()
	dir := filepath.Join(h.dir, ".config/escenv/environments/shop")
	must(h.t, os.MkdirAll(dir, 0o700))
	must(h.t, os.WriteFile(filepath.Join(dir, "dev.yaml"), []byte(text), 0o600))
}

// agents returns the ids of this home's agents that live.
func (h *home) agents() []string {
	var found []string
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		text, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(text), "escenv-agent") && strings.Contains(string(text), h.dir) {
			found = append(found, strings.Split(file, "/")[2])
		}
	}
	return found
}

// eventually waits for something that other processes do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const plain = `values:
  environmentVariables: {A: "1"}
`

func TestManyAtOnceStartOneAgent(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			if out, talk := h.run("one", "open", "shop/dev", "--format", "dotenv"); !strings.HasPrefix(out, "A=") {
				t.Errorf("got %q, %s", out, talk)
			}
		})
	}
	group.Wait()
	eventually(t, "one agent is left", func() bool { return len(h.agents()) == 1 })
	status, err := h.status()
	if err != nil || strconv.Itoa(status.PID) != h.agents()[0] {
		t.Errorf("asked %d, %v; alive: %v", status.PID, err, h.agents())
	}
}

func TestANewBuildReplacesTheOldAgent(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	old := h.start()
	if out, talk := h.run("two", "open", "shop/dev", "--format", "dotenv"); talk != "" || !strings.HasPrefix(out, "A=") {
		t.Errorf("the new build got %q, %s", out, talk)
	}
	status, err := h.status()
	if err != nil || status.PID == old || status.Build != "0.1.0-dev+two" {
		t.Errorf("now answers %+v, %v", status, err)
	}
	eventually(t, "the old agent is gone", func() bool { return len(h.agents()) == 1 })
}

func TestAKilledAgentIsStartedAgain(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	for range 3 {
		must(t, syscall.Kill(h.start(), syscall.SIGKILL))
		if out, talk := h.run("one", "open", "shop/dev", "--format", "dotenv"); talk != "" || !strings.HasPrefix(out, "A=") {
			t.Errorf("got %q, %s", out, talk)
		}
	}
}

// TestAnAgentThatCannotBeReachedLeaves, and whoever asks meanwhile has another
// one.
func TestAnAgentThatCannotBeReachedLeaves(t *testing.T) {
	for name, lose := range map[string]func(run string) error{
		"its socket is removed":    func(run string) error { return os.Remove(globOne(run, "*.sock")) },
		"its directory is removed": removeAll,
		"its directory is renamed": func(run string) error { return os.Rename(run, run+".old") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			h.define(plain)
			old := h.start()
			must(t, lose(filepath.Join(h.dir, "run", "escenv")))
			if out, talk := h.run("one", "open", "shop/dev", "--format", "dotenv"); talk != "" || !strings.HasPrefix(out, "A=") {
				t.Errorf("got %q, %s", out, talk)
			}
			eventually(t, "the old agent is gone", func() bool { return !slices.Contains(h.agents(), strconv.Itoa(old)) })
			if status, err := h.status(); err != nil || status.PID == old || len(h.agents()) != 1 {
				t.Errorf("now %d answers, %v, of %v", status.PID, err, h.agents())
			}
		})
	}
}

// removeAll removes a directory in which the agent may still write something as
// it leaves.
func removeAll(dir string) (err error) {
	for range 100 {
		if err = os.RemoveAll(dir); !errors.Is(err, syscall.ENOTEMPTY) {
			break
		}
	}
	return err
}

func globOne(dir, pattern string) string {
	found, _ := filepath.Glob(filepath.Join(dir, pattern))
	return strings.Join(found, " ")
}

func TestAnIdleAgentProcessLeaves(t *testing.T) {
	h := newHome(t)
	socket := filepath.Join(h.dir, "run", "agent.sock")
	cmd := exec.Command(filepath.Join(binaries(t, "one"), "escenv-agent"), "--socket", socket, "--idle", "10ms", "--foreground")
	cmd.Env = h.environ
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("it ended with %v: %s", err, out)
	}
	if _, err := os.Lstat(socket); err == nil {
		t.Error("it left its socket behind")
	}
}

func TestTheSharedAgentSeesNothingOfItsStarter(t *testing.T) {
	h := newHome(t)
	h.environ = append(h.environ, "MY_TOKEN=canary", "AWS_PROFILE=canary", "LC_TIME=C", "XDG_STATE_HOME="+h.dir)
	pid := h.start()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if errors.Is(err, os.ErrPermission) {
		t.Skip("only root can read what an agent sees")
	}
	must(t, err)
	if strings.Contains(string(text), "canary") || !strings.Contains(string(text), "LC_TIME=C") {
		t.Errorf("it sees %q", text)
	}
	if dir, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd")); err != nil || dir != "/" {
		t.Errorf("it sits in %s, %v", dir, err)
	}
}

// TestTheAgentIsHardened looks for one sign of it; what it is good for is
// tested where it is made.
func TestTheAgentIsHardened(t *testing.T) {
	h := newHome(t)
	limits, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(h.start()), "limits"))
	must(t, err)
	if !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).Match(limits) {
		t.Errorf("its limits are\n%s", limits)
	}
}

func TestFilesAreNotImported(t *testing.T) {
	for _, name := range []string{"./dev.yaml", "../dev.yaml", "/etc/passwd", "shop/../../dev", "shop/dev/../x"} {
		_, err := loader{&store.Files{Dir: t.TempDir()}}.Load(t.Context(), name, nil)
		var e *esc.Error
		if !errors.As(err, &e) || e.Kind != esc.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestTheCommandHasNoChildItDidNotStart: exec becomes the command, and whatever
// escenv started would be the command's.
func TestTheCommandHasNoChildItDidNotStart(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	const children = `read -r c < /proc/$$/task/$$/children; echo "$A [$c]"`
	for _, variable := range []string{"ESCENV_NO_AGENT=0", "ESCENV_NO_AGENT=1"} {
		h.run("one", "agent", "stop")
		h.environ = append(h.environ, variable)
		out, talk := h.run("one", "exec", "--no-mask", "-e", "shop/dev", "--", "sh", "-c", children)
		if out != "1 []\n" {
			t.Errorf("%s: got %q, %s", variable, out, talk)
		}
	}
}

func TestAPrivateAgentLeavesNothingBehind(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	for _, variable := range []string{"ESCENV_NO_AGENT=1", "AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere"} {
		environ := h.environ
		h.environ = append(h.environ[:len(environ):len(environ)], variable)
		if out, talk := h.run("one", "open", "shop/dev", "--format", "dotenv"); talk != "" || !strings.HasPrefix(out, "A=") {
			t.Errorf("%s: got %q, %s", variable, out, talk)
		}
		h.environ = environ
		if left := h.agents(); len(left) > 0 {
			t.Errorf("%s: still alive: %v", variable, left)
		}
		if _, err := os.Lstat(filepath.Join(h.dir, "run", "escenv")); err == nil {
			t.Errorf("%s: a runtime directory was made", variable)
		}
	}
}

func TestAMissingAgentIsExplained(t *testing.T) {
	h := newHome(t)
	alone := filepath.Join(h.dir, "escenv")
	text, err := os.ReadFile(filepath.Join(binaries(t, "one"), "escenv"))
	must(t, err)
	must(t, os.WriteFile(alone, text, 0o700))
	cmd := exec.Command(alone, "env", "ls")
	cmd.Env = slices.Concat(h.environ, []string{"PATH=.:bin::" + h.dir + "/nothing"})
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "escenv: hint: install both programs") {
		t.Errorf("got %v: %s", err, out)
	}
}

// generation returns what shells compare at each prompt.
func (h *home) generation() time.Time {
	h.t.Helper()
	info, err := os.Stat(filepath.Join(h.dir, "run", "escenv", "generation"))
	must(h.t, err)
	return info.ModTime()
}

// variable opens shop/dev and returns the value of its one variable.
func (h *home) variable() string {
	h.t.Helper()
	env, err := h.client().Open(context.Background(), esc.Request{Refs: []esc.Ref{{Project: "shop", Name: "dev"}}})
	must(h.t, err)
	value, _ := env.Variables[0].Value.RevealString()
	return value
}

func TestAChangedDefinitionReachesEveryShell(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	h.start()
	if got := h.variable(); got != "1" {
		t.Errorf("got %s", got)
	}
	before := h.generation()
	h.define(strings.Replace(plain, "1", "2", 1))
	if got := h.variable(); got != "2" { // at once, whether or not the news has come
		t.Errorf("got %s", got)
	}
	eventually(t, "the shells are told", func() bool { return h.generation().After(before) })
}

func TestAChangedConfigurationCountsAtOnce(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	h.start()
	settings := filepath.Join(h.dir, ".config/escenv/config.yaml")
	must(t, os.WriteFile(settings, []byte("aws: {region: eu-west-1}\n"), 0o600))
	if status, err := h.status(); err != nil || status.Region != "eu-west-1" {
		t.Errorf("got %+v, %v", status, err)
	}
	must(t, os.WriteFile(settings, []byte("aws: {region: 7\n"), 0o600))
	_, err := h.client().Open(context.Background(), esc.Request{Refs: []esc.Ref{{Project: "shop", Name: "dev"}}})
	var diags esc.Diagnostics
	if !errors.As(err, &diags) || diags[0].File != settings {
		t.Errorf("got %v", err)
	}
	must(t, os.Remove(settings))
	if got := h.variable(); got != "1" {
		t.Errorf("got %s", got)
	}
}

func TestDefinitionsWithMistakesAreNotWritten(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	h.start()
	dev := esc.Ref{Project: "shop", Name: "dev"}
	err := h.client().Call(t.Context(), wire.OpEnvWrite, wire.EnvWriteArgs{Ref: dev, Text: []byte("values: [")}, nil)
	if _, ok := errors.AsType[esc.Diagnostics](err); !ok {
		t.Errorf("got %v", err)
	}
	if got := h.variable(); got != "1" {
		t.Errorf("it now says %s", got)
	}
}

func TestReferencesThatLeaveTheStoreAreRefused(t *testing.T) {
	h := newHome(t)
	h.start()
	for _, ref := range []esc.Ref{
		{},
		{Project: "..", Name: "dev"},
		{Project: "shop", Name: "../../config"},
		{Path: "dev.yaml"},
		{Path: "/a/../b"},
		{Path: "/a", Name: "dev"},
	} {
		err := h.client().Call(t.Context(), wire.OpEnvRead, wire.EnvReadArgs{Ref: ref}, nil)
		var e *esc.Error
		if !errors.As(err, &e) || e.Kind != esc.Invalid {
			t.Errorf("%+v: got %v", ref, err)
		}
	}
}

func TestForgetIsToldToTheShells(t *testing.T) {
	h := newHome(t)
	h.define(plain)
	h.start()
	h.variable()
	before := h.generation()
	h.run("one", "forget")
	status, err := h.status()
	if err != nil || len(status.Leases) > 0 || !h.generation().After(before) {
		t.Errorf("got %+v, %v", status, err)
	}
}

func TestStatusSaysWhetherTheAgentRuns(t *testing.T) {
	h := newHome(t)
	var status struct {
		Running bool
		PID     int
	}
	for _, want := range []bool{false, true} {
		out, talk := h.run("one", "agent", "status", "--json")
		if err := json.Unmarshal([]byte(out), &status); err != nil || status.Running != want || strings.Contains(talk, "exit status 1") == want {
			t.Errorf("got %q, %q, %v", out, talk, err)
		}
		h.start()
	}
	if out, _ := h.run("one", "agent", "status"); !strings.HasPrefix(out, "agent      pid ") {
		t.Errorf("got %s", out)
	}
	if out, _ := h.run("one", "agent", "stop"); out != "" {
		t.Errorf("got %s", out)
	}
	eventually(t, "the agent is gone", func() bool { return len(h.agents()) == 0 })
}
