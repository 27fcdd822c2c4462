// Escenv gives a shell or a command the credentials of an environment, and
// takes them away again.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/clock"
)

// A program is one run of escenv: all it may touch, handed in.
type program struct {
	args    []string
	environ []string
	stdin   *os.File
	stdout  *os.File
	stderr  *os.File
	now     func() time.Time

	private bool // --no-agent: use an agent of our own
}

func main() {
	p := &program{
		args: os.Args, environ: os.Environ(),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		now: clock.Now,
	}
	os.Exit(p.run())
}

// run does what the arguments say and returns the exit status. What a prompt
// waits for is dispatched before the command line is even built.
func (p *program) run() int {
	if status, ok := p.runEarly(); ok {
		return status
	}
	ctx, stop := interruptible(context.Background())
	defer stop()
	return p.report(p.app().RunContext(ctx, p.args))
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
	for i := len(p.environ) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(p.environ[i], name+"="); ok {
			return value
		}
	}
	return ""
}

func (p *program) app() *cli.App {
	return &cli.App{
		Name:      "escenv",
		Usage:     "short-lived AWS credentials for a directory or a command",
		UsageText: "escenv <command> [options]",
		Version:   build.ID(),
		Description: `A directory's .escenv names an environment. With the hook in your shell's rc
file, cd brings its credentials and leaving takes them away:

   eval "$(escenv hook zsh)"

For one command: escenv exec -e shop/dev -- aws s3 ls`,
		HideVersion:               true,
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true,
		Writer:                    p.stdout,
		ErrWriter:                 p.stderr,
		ExitErrHandler:            func(*cli.Context, error) {}, // main decides
		OnUsageError:              onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usageError{fmt.Sprintf("unknown command %q", c.Args().First()), "escenv help"}
			}
			return cli.ShowAppHelp(c)
		},
		Commands: p.commands(),
	}
}

// onUsageError turns a flag the library refuses into a usageError.
func onUsageError(c *cli.Context, err error, _ bool) error {
	help := "escenv help"
	if c.Command != nil && c.Command.HelpName != "" {
		help = c.Command.HelpName + " --help"
	}
	return usageError{err.Error(), help}
}
