package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

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

// runExecution is exec or run, dispatched before the command line is built. ok
// is false if it is help that is asked for. There is nothing to clean up when
// an interrupt ends it before the command runs.
func (p *program) runExecution(parse func([]string) (*execution, error)) (status int, ok bool) {
	x, err := parse(p.args[2:])
	switch {
	case err != nil:
		return p.report(err), true
	case x.help:
		return 0, false
	}
	p.private = x.private
	return p.report(p.runExec(context.Background(), x)), true
}

// runExec runs the command. It does not return if the command takes escenv's
// place or is ended by a signal.
func (p *program) runExec(ctx context.Context, x *execution) error {
	status, err := p.execute(ctx, x)
	var usage usageError
	var start *process.StartError
	switch {
	case errors.As(err, &usage):
		return err
	case errors.As(err, &start):
		p.sayError(start.Error())
		if hint := p.withReference(x.command); start.Code() == exitNotFound && hint != withAnyReference {
			p.sayHint(hint)
		}
		return statusError(start.Code())
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		p.explain(err)
		return statusError(exitNotRun)
	case status.Signal != 0:
		process.Die(status.Signal)
	}
	return statusError(status.Code())
}

func (p *program) execute(ctx context.Context, x *execution) (process.Status, error) {
	run, err := p.mode(x)
	if err != nil {
		return process.Status{}, err
	}
	refs, err := p.layers(x.refs, x.command)
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
		Args: x.command, Env: environ, Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr,
		Self: self,
	}
	if !x.noMask {
		command.Secrets = mask.NewSet(secrets(env)...)
		if command.Secrets.Empty() {
			run = replace("there is no secret to mask")
		}
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
