// Escenv-devcloud is a small AWS on this machine, for the demo and the tests:
// an STS and an IAM that refuse what AWS refuses, and an S3. See package
// devcloud.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/clock"
)

const usage = `usage: escenv-devcloud COMMAND [flags]

  demo     escenv's main job on your own screen, in a throw-away home
  serve    an STS, an IAM and an S3 on loopback, and an issuer's https site
  setup    register an issuer, make a role and a bucket (with serve running)
  admin    faults, counts and the log of requests (with serve running)
  s3 ls    list buckets or a bucket, with the standard AWS_* variables

"escenv-devcloud COMMAND --help" lists the flags.
`

// A program is one run: all it may touch, handed in.
type program struct {
	args    []string
	environ []string
	stdin   *os.File
	stdout  *os.File
	stderr  io.Writer
	now     func() time.Time
}

func main() {
	p := &program{args: os.Args[1:], environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, now: clock.Now}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	status := p.run(ctx)
	stop()
	os.Exit(status)
}

// errUsage is a command line that cannot be understood; why was said.
var errUsage = errors.New("usage")

// errInterrupted is a demo that somebody ended early.
var errInterrupted = errors.New("interrupted")

// run does what the arguments say and returns the exit status.
func (p *program) run(ctx context.Context) int {
	err := p.command(ctx)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(p.stderr, "escenv-devcloud: interrupted")
		return 130
	}
	fmt.Fprintln(p.stderr, "escenv-devcloud: error:", err)
	return 1
}

func (p *program) command(ctx context.Context) error {
	name, rest := "", []string(nil)
	if len(p.args) > 0 {
		name, rest = p.args[0], p.args[1:]
	}
	commands := map[string]func(context.Context, []string) error{
		"demo": p.runDemo, "serve": p.runServe, "setup": p.runSetup, "admin": p.runAdmin, "s3": p.runS3,
	}
	if run, ok := commands[name]; ok {
		return run(ctx, rest)
	}
	fmt.Fprint(p.stderr, usage)
	if name == "help" || name == "--help" || name == "-h" {
		return nil
	}
	return errUsage
}

// flags makes a command's flag set.
func (p *program) flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet("escenv-devcloud "+name, flag.ContinueOnError)
	f.SetOutput(p.stderr)
	return f
}

// parse reads args, which may hold words besides flags: between min and max.
func (p *program) parse(f *flag.FlagSet, args []string, low, high int) error {
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errUsage
	case f.NArg() < low || f.NArg() > high:
		f.Usage()
		return errUsage
	}
	return nil
}

// getenv returns the last value of an environment variable, as shells do.
func (p *program) getenv(name string) string {
	for _, entry := range slices.Backward(p.environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
