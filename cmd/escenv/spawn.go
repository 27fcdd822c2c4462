package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/clock"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// agentName is the program that keeps environments.
const agentName = "escenv-agent"

// startTime is how long an agent may take until it listens, and lingerTime how
// long a private one may take to end.
const (
	startTime  = 10 * time.Second
	lingerTime = 2 * time.Second
)

// startAgent starts the shared agent, detached from terminal, directory and
// caller, and returns when one listens at path, this one or another.
func (p *program) startAgent(ctx context.Context, path string) error {
	program, err := p.findAgent()
	if err != nil {
		return err
	}
	ready, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	err = p.spawnAgent(program, path, tell)
	if err := errors.Join(err, tell.Close()); err != nil {
		return err
	}
	return awaitAgent(ctx, ready)
}

// spawnAgent runs the agent. Its third descriptor is where it tells that it
// listens.
func (p *program) spawnAgent(program, path string, tell *os.File) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	process, err := os.StartProcess(program, []string{agentName, "--detach", "--socket", path, "--ready"}, &os.ProcAttr{
		Dir: "/", Env: agentEnviron(p.environ),
		Files: []*os.File{null, null, null, tell},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return cannotStart(err)
	}
	_, err = process.Wait() // not for the agent, which is nobody's child
	return err
}

// awaitAgent waits for the one frame an agent sends when it listens, or cannot.
func awaitAgent(ctx context.Context, ready *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = ready.Close() })
	defer stop()
	reply, err := wire.ReadReply(ready)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case err != nil:
		return cannotStart(errors.New("it ended, or hung, before it listened"))
	case reply.Error != nil:
		return reply.Error.Err()
	}
	return nil
}

func cannotStart(err error) error {
	return &esc.Error{
		Kind: esc.Unavailable, Summary: "starting " + agentName + ": " + err.Error(), Err: err,
		Hint: "run escenv with ESCENV_NO_AGENT=1 to see what it says",
	}
}

// agentEnviron returns what the shared agent may see of environ.
func agentEnviron(environ []string) []string {
	var passed []string
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); passes(name) {
			passed = append(passed, entry)
		}
	}
	return passed
}

// passes reports whether the shared agent may see a variable of whoever happens
// to start it: what it needs to find files and the network, and no identity.
func passes(name string) bool {
	switch name {
	case "": // clock.Variable may be that
		return false
	case "HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy":
		return true
	}
	return name == clock.Variable || strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "XDG_")
}

// findAgent finds the agent's program: beside this one, or on PATH.
func (p *program) findAgent() (string, error) {
	for _, dir := range append(ownDirs(), filepath.SplitList(p.getenv("PATH"))...) {
		file := filepath.Join(dir, agentName)
		if filepath.IsAbs(dir) && isProgram(file) {
			return file, nil
		}
	}
	return "", esc.Errorf(esc.NotFound, "%s is neither beside escenv nor on PATH", agentName).
		WithHint("install both programs: ./install.sh in the source of escenv %s", build.Version())
}

// ownDirs returns where escenv is, links resolved, and where it seems to be.
func ownDirs() []string {
	self, err := ownPath()
	if err != nil {
		return nil
	}
	dirs := []string{filepath.Dir(self)}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		dirs = []string{filepath.Dir(real), filepath.Dir(self)}
	}
	return dirs
}

// ownPath returns the path of escenv, as people run it: the whole program is
// kept from their sight in libexec (see light.go).
func ownPath() (string, error) {
	self, err := os.Executable()
	if prefix, ok := strings.CutSuffix(self, "/libexec/escenv/escenv"); ok {
		self = prefix + "/bin/escenv"
	}
	return self, err
}

func isProgram(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// privateClient asks an agent that is a child of ours, one for each call or one
// that is kept. It sees all of the caller's environment.
func (p *program) privateClient() *wire.Client {
	return &wire.Client{Build: build.ID(), Dial: p.dialPrivate, Timeout: p.patience}
}

func (p *program) dialPrivate(context.Context) (wire.Conn, error) {
	if p.kept != nil {
		return p.kept.dial(p.startPrivate)
	}
	return p.startPrivate()
}

// startPrivate starts a private agent, with more flags than it always has.
func (p *program) startPrivate(flags ...string) (wire.Conn, error) {
	program, err := p.findAgent()
	if err != nil {
		return nil, err
	}
	path, err := p.socketPath()
	if err != nil {
		return nil, err
	}
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirIn.Close()
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, ourOut.Close())
	}
	defer theirOut.Close()
	streams := wire.Streams{R: ourIn, W: ourOut}
	args := append([]string{agentName, "--stdio", "--socket", path}, flags...)
	process, err := os.StartProcess(program, args, &os.ProcAttr{
		Env: p.environ, Files: []*os.File{theirIn, theirOut, p.stderr},
		Sys: &syscall.SysProcAttr{Setpgid: true}, // Ctrl-C is ours to pass on
	})
	if err != nil {
		return nil, errors.Join(cannotStart(err), streams.Close())
	}
	return &privateAgent{streams, process}, nil
}

// A privateAgent is a child that answers on its standard streams.
type privateAgent struct {
	wire.Streams
	process *os.Process
}

// Close ends the agent and waits until it is gone.
func (a *privateAgent) Close() error {
	err := a.Streams.Close()
	if errors.Is(err, fs.ErrClosed) {
		err = nil // interrupted before
	}
	timer := time.AfterFunc(lingerTime, func() { _ = a.process.Kill() })
	defer timer.Stop()
	_, waited := a.process.Wait()
	return errors.Join(err, waited)
}
