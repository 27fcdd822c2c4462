package hooks_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// bin holds the real programs, built once.
var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "escenv-hooks-")
	if err != nil {
		panic(err)
	}
	bin = dir
	for _, program := range []string{"escenv", "escenv-agent"} {
		build := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", filepath.Join(dir, program), "../cmd/"+program)
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", program, err, out)
			os.Exit(1)
		}
	}
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// A house is one user's home with an agent that answers what the test says,
// a program directory, and two directories to work in.
type house struct {
	t    *testing.T
	root string // short, since a socket is below it
	dump string // where the program "dump" writes its environment

	strace  string // if set, shells run below this and write to the file trace
	columns int    // of its terminals, if they have others than most
	sign    string // at the end of its prompts, if that is not "$"

	listener net.Listener

	mu      sync.Mutex
	answers map[string]answer
	asked   int
}

// An answer is what the agent says about a reference.
type answer struct {
	variables map[string]string
	files     map[string]string
	quiet     bool // as the user's configuration says
	expires   time.Time
	renew     time.Time
	err       *wire.Error
	silent    bool // it never answers
}

// newHouse returns a house with a fake agent.
func newHouse(t *testing.T) *house {
	t.Helper()
	h := emptyHouse(t)
	h.serve()
	return h
}

// emptyHouse returns a house without an agent: escenv starts the real one.
func emptyHouse(t *testing.T) *house {
	t.Helper()
	root, err := os.MkdirTemp("", "eh")
	if err != nil {
		t.Fatal(err)
	}
	root, err = filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	h := &house{t: t, root: root, dump: filepath.Join(root, "dump.out"), answers: map[string]answer{}}
	for _, dir := range []string{"run/escenv", "home", "out", "shop/sub/deep", "prod", "bin"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o700))
	}
	must(t, os.Symlink(filepath.Join(bin, "escenv"), filepath.Join(root, "bin/escenv")))
	h.write("bin/dump", "#!/bin/sh\nexec /usr/bin/env -0 > "+h.dump+"\n")
	must(t, os.Chmod(filepath.Join(root, "bin/dump"), 0o700))
	h.answer("shop/dev", answer{variables: map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIADEV", "AWS_SECRET_ACCESS_KEY": "dev'secret\\", "AWS_SESSION_TOKEN": "dev token\n",
	}})
	h.answer("shop/prod", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIAPROD", "STAGE": "prod"}})
	h.write("shop/.escenv", "shop/dev\n")
	h.write("prod/.escenv", "shop/prod\n")
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) path(name string) string { return filepath.Join(h.root, name) }

func (h *house) write(name, text string) {
	h.t.Helper()
	must(h.t, os.WriteFile(h.path(name), []byte(text), 0o600))
}

func (h *house) answer(ref string, a answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers[ref] = a
}

// requests returns how often the agent was asked to open something.
func (h *house) requests() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

func (h *house) environ() []string {
	return []string{
		"PATH=" + h.path("bin") + ":/usr/local/bin:/usr/bin:/bin", "HOME=" + h.path("home"), "TERM=dumb",
		"XDG_RUNTIME_DIR=" + h.path("run"), "LC_ALL=C.UTF-8", "ZDOTDIR=" + h.path("home"), "USER=tester",
	}
}

// escenv runs the program outside any shell.
func (h *house) escenv(dir string, args ...string) string {
	h.t.Helper()
	cmd := exec.Command(h.path("bin/escenv"), args...)
	cmd.Dir, cmd.Env = h.path(dir), h.environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("escenv %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// serve is the agent. Where its socket is, escenv says itself.
func (h *house) serve() {
	h.t.Helper()
	var status struct {
		Agent struct{ Socket string } `json:"agent"`
	}
	must(h.t, json.Unmarshal([]byte(h.escenv(".", "status", "--json")), &status))
	listener, err := net.Listen("unix", status.Agent.Socket)
	must(h.t, err)
	h.listener = listener
	must(h.t, os.Chmod(status.Agent.Socket, 0o600))
	h.t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go h.reply(conn)
		}
	}()
}

func (h *house) reply(conn net.Conn) {
	defer conn.Close()
	req, err := wire.ReadRequest(conn)
	if err != nil {
		return
	}
	reply := wire.Reply{V: wire.Version}
	switch req.Op {
	case wire.OpOpen:
		args, err := wire.DecodeArgs[wire.OpenArgs](req.Args)
		if err != nil {
			return
		}
		a := h.look(args.Refs[0].String())
		if a.silent {
			_, _ = wire.ReadRequest(conn) // until the caller hangs up
			return
		}
		reply.Error = a.err
		reply.Result, _ = json.Marshal(openResult(args.Refs[0].String(), a))
	case wire.OpCheck:
		reply.Result, _ = json.Marshal(wire.CheckResult{Name: "x", Variables: []string{"AWS_ACCESS_KEY_ID"}, Providers: []string{"aws-login"}})
	case wire.OpStatus:
		reply.Result, _ = json.Marshal(wire.StatusResult{Build: req.Build, Identity: "none"})
	default:
		reply.Error = &wire.Error{Kind: esc.Internal, Summary: "not expected: " + string(req.Op)}
	}
	if reply.Error != nil {
		reply.Result = nil
	}
	_ = wire.WriteReply(conn, reply)
}

func (h *house) look(ref string) answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	a, ok := h.answers[ref]
	if !ok {
		a.err = &wire.Error{Kind: esc.NotFound, Summary: "there is no definition " + ref}
	}
	return a
}

func openResult(name string, a answer) wire.OpenResult {
	result := wire.OpenResult{Name: name, Expires: a.expires, Renew: a.renew, Quiet: a.quiet, Variables: []wire.Variable{}}
	for n, text := range a.files {
		result.Files = append(result.Files, wire.File{Name: n, Content: text, Secret: true})
	}
	for n, v := range a.variables {
		result.Variables = append(result.Variables, wire.Variable{Name: n, Value: v, Secret: true})
	}
	return result
}
