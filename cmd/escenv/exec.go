package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/mask"
	"github.com/escenv/escenv/internal/process"
	"github.com/escenv/escenv/internal/trust"
)

// exitNotRun is the status of exec when the command never ran, as env(1),
// timeout(1) and docker have it, so that scripts can tell it from the command's.
const exitNotRun = 125

// exitNotFound is the status shells give a command that is not there.
const exitNotFound = 127

// execExit is the exit status section of exec and run.
const execExit = `N      the command's own
128+N  signal N ended the command
2      the command line was not understood
125    the command was not run, or its output was lost; stderr says why
126    the command cannot be executed
127    there is no such command`

// An execution is what exec was asked to do.
type execution struct {
	refs    cli.StringSlice
	noMask  bool
	tty     string // auto, always or never
	verbose bool
}

func (p *program) newExecCommand() *cli.Command {
	var x execution
	return &cli.Command{
		Name:      "exec",
		Usage:     "run a command in an environment",
		ArgsUsage: "[--] COMMAND [ARG]...",
		Description: help(`Opens the environments, later ones winning, and runs the command with their
variables. Without -e they are those of the nearest allowed .escenv.

Secrets in the command's output are shown as [secret]. That catches accidents:
a command that means to show a secret can. On a terminal the command has a
terminal too; otherwise its output goes through pipes. With nothing to mask, or
with --no-mask, the command takes escenv's place.`,
			execExit, `escenv exec -e shop/dev -- aws s3 ls`),
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "open `REF`; may be given again", Destination: &x.refs},
		}, p.executionFlags(&x)...),
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return usageError{"there is no command to run", withAnyReference}
			}
			return p.runExec(c.Context, &x, c.Args().Slice())
		},
	}
}

// executionFlags are the flags exec and run share.
func (p *program) executionFlags(x *execution) []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "no-mask", Aliases: []string{"i", "interactive"}, Usage: "show secrets in the output", Destination: &x.noMask},
		&cli.StringFlag{Name: "tty", Value: "auto", Usage: "give it a terminal; `WHEN`: auto, always, never", Destination: &x.tty},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say how the command is run, and why", Destination: &x.verbose},
		p.noAgentFlag(),
	}
}

// runExec runs the command. It does not return if the command takes escenv's
// place or is ended by a signal.
func (p *program) runExec(ctx context.Context, x *execution, args []string) error {
	status, err := p.execute(ctx, x, args)
	var usage usageError
	var start *process.StartError
	switch {
	case errors.As(err, &usage):
		return err
	case errors.As(err, &start):
		p.sayError(start.Error())
		if hint := p.withReference(args); start.Code() == exitNotFound && hint != withAnyReference {
			p.sayHint(hint)
		}
		return statusError(start.Code())
	case err != nil:
		p.explain(err)
		return statusError(exitNotRun)
	case status.Signal != 0:
		process.Die(status.Signal)
	}
	return statusError(status.Code())
}

func (p *program) execute(ctx context.Context, x *execution, args []string) (process.Status, error) {
	run, err := p.mode(x)
	if err != nil {
		return process.Status{}, err
	}
	refs, err := p.layers(x.refs.Value(), args)
	if err != nil {
		return process.Status{}, err
	}
	env, err := p.opener().Open(ctx, esc.Request{Refs: refs, Want: esc.WantVariables})
	if err != nil {
		return process.Status{}, err
	}
	p.printDiagnostics(env.Warnings)
	environ, err := p.childEnviron(env)
	if err != nil {
		return process.Status{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return process.Status{}, err
	}
	command := &process.Command{
		Args: args, Env: environ, Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr,
		Secrets: mask.NewSet(secrets(env)...), Self: self,
	}
	if command.Secrets.Empty() {
		run = replace("there is no secret to mask")
	}
	if x.verbose {
		p.say(run.how + ": " + run.why)
	}
	return run.start(command)
}

// A mode is one way to run a command, and why it is the one.
type mode struct {
	start    func(*process.Command) (process.Status, error)
	how, why string
}

func replace(why string) mode {
	start := func(c *process.Command) (process.Status, error) { return process.Status{}, c.Replace() }
	return mode{start, "the command takes escenv's place", why}
}

// mode chooses the cheapest way that does what is asked.
func (p *program) mode(x *execution) (mode, error) {
	terminal := process.IsTerminal(p.stdin) && process.IsTerminal(p.stdout)
	onPipes := func(why string) mode { return mode{(*process.Command).Pipes, "the command writes to pipes", why} }
	onPty := func(why string) mode {
		return mode{(*process.Command).Pty, "the command has a terminal of its own", why}
	}
	switch {
	case x.tty != "auto" && x.tty != "always" && x.tty != "never":
		return mode{}, usageError{fmt.Sprintf("--tty %s: use auto, always or never", x.tty), "escenv exec --help"}
	case x.noMask:
		return replace("--no-mask"), nil
	case x.tty == "never":
		return onPipes("--tty never, and there are secrets to mask"), nil
	case terminal:
		return onPty("stdin and stdout are a terminal, and there are secrets to mask"), nil
	case x.tty == "always":
		return mode{}, usageError{"--tty always: stdin and stdout are not a terminal", "escenv exec --help"}
	}
	return onPipes("stdin or stdout is no terminal, and there are secrets to mask"), nil
}

// layers returns the references that were given, or else those of the nearest
// .escenv. args are the command, for a hint.
func (p *program) layers(given, args []string) ([]esc.Ref, error) {
	if len(given) == 0 {
		return p.nearestRefs(args)
	}
	refs := make([]esc.Ref, len(given))
	for i, text := range given {
		ref, err := p.parseRef(text)
		if err != nil {
			return nil, err
		}
		refs[i] = ref
	}
	return refs, nil
}

// nearestRefs returns what the nearest .escenv names, if the user allowed it.
func (p *program) nearestRefs(args []string) ([]esc.Ref, error) {
	file, err := p.findFile("")
	var e *esc.Error
	if errors.As(err, &e) && e.Kind == esc.NotFound && file == nil {
		return nil, e.WithHint("%s", p.withReference(args))
	}
	if err != nil {
		return nil, err
	}
	decisions, err := p.trust()
	if err != nil {
		return nil, err
	}
	verdict, err := decisions.Check(file.Canonical, file.Digest)
	if err != nil {
		return nil, err
	}
	if verdict != trust.Allowed {
		return nil, esc.Errorf(esc.Refused, "%s is %s", file.Path, verdict).WithHint("escenv allow")
	}
	return file.Refs, nil
}

// withAnyReference is how a reference is given to exec.
const withAnyReference = "escenv exec -e project/name -- COMMAND"

// withReference is what args should have been if they begin with a reference.
func (p *program) withReference(args []string) string {
	ref, err := p.parseRef(args[0])
	if err != nil || ref.Path != "" {
		return withAnyReference
	}
	rest := "COMMAND"
	if len(args) > 1 {
		rest = args[1] + strings.Repeat(" ...", min(1, len(args)-2))
	}
	return "escenv exec -e " + ref.String() + " -- " + rest
}

// secrets returns every secret text of an environment, exported or not.
func secrets(env *esc.Environment) []string {
	var texts []string
	add := func(v esc.Value) {
		if text, ok := v.RevealString(); ok && v.IsSecret() {
			texts = append(texts, text)
		}
	}
	for _, v := range env.Secrets {
		add(v)
	}
	for _, v := range env.Variables {
		add(v.Value)
	}
	return texts
}

// checkVariable refuses what no process can be given, and warns of names that
// are code to somebody: whoever wrote the definition decides what runs.
func (p *program) checkVariable(name, value string) error {
	switch {
	case name == "" || strings.ContainsAny(name, "=\x00"):
		return esc.Errorf(esc.Invalid, "%q cannot be the name of a variable", name)
	case strings.Contains(value, "\x00"):
		return esc.Errorf(esc.Invalid, "%s holds a NUL byte, which no variable can", name)
	}
	if why := activation.Dangerous(name); why != "" {
		p.sayWarn("the environment sets " + name + ", which " + why)
	}
	return nil
}
