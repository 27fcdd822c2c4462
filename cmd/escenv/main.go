// Escenv gives a shell or a command the credentials of an environment, and
// takes them away again.
package main

import (
	"cmp"
	"context"
	"io"
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
	cli.HelpPrinter = printHelp // the library's one way to hear of it
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
	return p.report(p.runApp(ctx))
}

// runApp runs the command that the arguments name.
func (p *program) runApp(ctx context.Context) error {
	pages := &printer{w: p.stdout} // help is all that the library prints
	return cmp.Or(p.app(pages).RunContext(ctx, p.args), pages.err)
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

func (p *program) app(pages io.Writer) *cli.App {
	return &cli.App{
		Name:      "escenv",
		Usage:     "short-lived AWS credentials for a directory or a command",
		UsageText: "escenv COMMAND [OPTION]...",
		Version:   build.ID(),
		Description: help(`A directory's .escenv names an environment. With the hook in your shell's rc
file, cd brings its credentials and leaving takes them away:

   eval "$(escenv hook zsh)"

"escenv COMMAND --help" says more about each command.`,
			plainExit, `escenv exec -e shop/dev -- aws s3 ls`),
		HideVersion:               true,
		Flags:                     []cli.Flag{cli.HelpFlag}, // with a help command of our own it would be missing
		DisableSliceFlagSeparator: true,
		Writer:                    pages,
		ErrWriter:                 p.stderr,
		ExitErrHandler:            func(*cli.Context, error) {}, // main decides
		OnUsageError:              onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand("escenv", c.Args().First(), c.App.Commands)
			}
			return cli.ShowAppHelp(c)
		},
		Commands: p.commands(),
	}
}

// onUsageError turns a flag the library refuses into a usageError.
func onUsageError(c *cli.Context, err error, _ bool) error {
	problem := err.Error()
	if name, unknown := strings.CutPrefix(problem, "flag provided but not defined: -"); unknown {
		problem = "there is no flag " + dashed(name)
	}
	if name, bare := strings.CutPrefix(problem, "flag needs an argument: -"); bare {
		problem = "the flag " + dashed(name) + " needs a value"
	}
	return usageError{problem, helpOf(c)}
}
