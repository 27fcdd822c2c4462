// A prompt waits, so nobody goes and finds out how many processors the container has.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Escenv gives a shell or a command the credentials of an environment, and
// takes them away again.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/clock"
	_ "github.com/escenv/escenv/internal/headroom" // before all else
	"github.com/escenv/escenv/internal/wire"
)

// A program is one run of escenv: all it may touch, handed in.
type program struct {
	args    []string
	environ []string
	stdin   *os.File
	stdout  *os.File
	stderr  *os.File
	now     func() time.Time
	words   io.Writer // where talk goes; stderr if nil

	door     wire.Conn     // the way to the agent, if it is open already
	private  bool          // --no-agent: use an agent of our own
	kept     *keptAgent    // that one, if it is to answer more than once
	patience time.Duration // how long an agent may take to answer; zero for as long as a login may
}

func main() {
	p := &program{
		args: os.Args, environ: os.Environ(),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		now: clock.Now,
	}
	os.Exit(p.run())
}

// talk is where words to people go.
func (p *program) talk() io.Writer {
	if p.words != nil {
		return p.words
	}
	return p.stderr
}

// run does what the arguments say and returns the exit status. What a prompt
// waits for is dispatched before the command line is even built.
func (p *program) run() int {
	if status, ok := p.runEarly(); ok {
		return status
	}
	ctx, stop := interruptible(context.Background())
	defer stop()
	return p.report(p.runCommand(ctx))
}

// interruptible returns a context that ends when somebody interrupts the run.
// Signals that whoever started escenv ignores, as a shell does for background
// jobs, stay ignored, also by the commands that escenv runs.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	var heeded []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if !signal.Ignored(s) {
			heeded = append(heeded, s)
		}
	}
	if len(heeded) == 0 { // none would mean all
		return context.WithCancel(ctx)
	}
	return signal.NotifyContext(ctx, heeded...)
}

// getenv returns the last value of an environment variable, as shells do.
func (p *program) getenv(name string) string {
	for _, entry := range slices.Backward(p.environ) {
		if len(entry) > len(name) && entry[len(name)] == '=' && entry[:len(name)] == name {
			return entry[len(name)+1:]
		}
	}
	return ""
}
