// Escenv-agent opens environments and keeps them in memory for escenv, which
// starts it: one for all of a user's shells, or with --stdio a private one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/wire"
)

// Exit statuses.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// readyFD is where whoever started the agent waits to hear that it listens.
const readyFD = 3

// options are the flags.
type options struct {
	stdio      bool
	socket     string
	ready      bool
	idle       time.Duration
	shared     bool
	detach     bool
	foreground bool
	version    bool
}

func main() {
	debug.SetTraceback("none") // a crash must not print what memory holds
	if err := agent.Harden(); err != nil {
		fmt.Fprintln(os.Stderr, "escenv-agent: error: keeping memory private:", err)
		os.Exit(exitError)
	}
	os.Exit(run())
}

func run() int {
	opts, status, ok := parse(os.Args[1:], os.Stderr)
	switch {
	case !ok:
		return status
	case opts.version:
		fmt.Fprintln(os.Stdout, "escenv-agent", build.ID())
		return exitOK
	}
	if opts.detach {
		return detach(opts.ready)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := start(ctx, opts); err != nil {
		if opts.stdio || opts.foreground {
			fmt.Fprintln(os.Stderr, "escenv-agent: error:", err)
		}
		return exitError
	}
	return exitOK
}

func parse(args []string, stderr io.Writer) (opts options, status int, ok bool) {
	flags := flag.NewFlagSet("escenv-agent", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "escenv-agent is started by escenv. See: escenv agent --help")
		flags.PrintDefaults()
	}
	flags.BoolVar(&opts.stdio, "stdio", false, "answer on the standard streams, with the identity in this environment")
	flags.StringVar(&opts.socket, "socket", "", "listen at this `path`; with -stdio, where the shared agent would")
	flags.BoolVar(&opts.shared, "shared", false, "with -stdio, serve what the shared agent opens while it can be reached")
	flags.DurationVar(&opts.idle, "idle", 0, "leave after so long without a request (default: as config.yaml says)")
	flags.BoolVar(&opts.ready, "ready", false, "tell on descriptor 3 when the socket listens")
	flags.BoolVar(&opts.detach, "detach", false, "start the agent as nobody's child, and end")
	flags.BoolVar(&opts.foreground, "foreground", false, "say on stderr what goes wrong")
	flags.BoolVar(&opts.version, "version", false, "print the build")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return opts, exitOK, false
	case err != nil:
		return opts, exitUsage, false
	case flags.NArg() > 0 || !opts.version && !opts.stdio && !filepath.IsAbs(opts.socket):
		flags.Usage()
		return opts, exitUsage, false
	}
	return opts, exitOK, true
}

// start serves as the flags say, until there is nothing more to serve.
func start(ctx context.Context, opts options) error {
	k, err := newKeeper(opts)
	if err != nil {
		return errors.Join(err, tell(opts.ready, err))
	}
	if opts.stdio {
		return k.server(0).ServeStreams(ctx, os.Stdin, os.Stdout)
	}
	l, err := agent.Listen(opts.socket)
	if errors.Is(err, agent.ErrRunning) {
		return tell(opts.ready, nil)
	}
	if err := errors.Join(err, tell(opts.ready, err)); err != nil {
		return err
	}
	return k.serve(ctx, l)
}

// detach starts this program once more, without -detach, and leaves it an
// orphan: whoever wanted an agent may become another program, which would not
// know what to do with a child it never had.
func detach(ready bool) int {
	self, err := os.Executable()
	if err != nil {
		return exitError
	}
	files := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	if ready {
		files = append(files, os.NewFile(readyFD, "ready"))
	}
	args := slices.DeleteFunc(slices.Clone(os.Args), func(arg string) bool { return strings.TrimLeft(arg, "-") == "detach" })
	process, err := os.StartProcess(self, args, &os.ProcAttr{Env: os.Environ(), Files: files})
	if err != nil {
		return exitError
	}
	if process.Release() != nil {
		return exitError
	}
	return exitOK
}

// tell lets whoever started the agent know that it listens, or why it does not.
func tell(ready bool, err error) error {
	if !ready {
		return nil
	}
	f := os.NewFile(readyFD, "ready")
	reply := wire.Reply{Result: []byte("null")}
	if err != nil {
		reply = wire.Reply{Error: wire.FromError(err)}
	}
	return errors.Join(wire.WriteReply(f, reply), f.Close())
}
