package main

import (
	"context"
	"errors"
	"os"

	"github.com/escenv/escenv/internal/process"
)

// exitNotRun is the status of exec when the command never ran, as env(1),
// timeout(1) and docker have it, so that scripts can tell it from the command's;
// exitEnded is when escenv ended it, as timeout(1) has it.
const (
	exitEnded  = 124
	exitNotRun = 125
)

// exitNotFound is the status shells give a command that is not there.
const exitNotFound = 127

// execExit is the exit status section of exec, run and shell.
const execExit = `N      the command's own
128+N  signal N ended the command
2      the command line was not understood
124    escenv ended the command: --timeout, or --on-expiry=kill
125    the command was not run, or its output was lost; stderr says why
126    the command cannot be executed
127    there is no such command`

// runExecution is exec, run or shell, dispatched before the command line is
// built. ok is false if it is help that is asked for. There is nothing to clean
// up when an interrupt ends it before the command runs.
func (p *program) runExecution(parse func([]string) (*execution, error)) (status int, ok bool) {
	x, err := parse(p.args[2:])
	switch {
	case err != nil:
		return p.report(err), true
	case x.help:
		return 0, false
	}
	p.private = x.private
	if os.Getpid() == 1 && !x.replace {
		return p.report(p.runInit(context.Background(), x)), true
	}
	return p.report(p.runExec(context.Background(), x)), true
}

// runExec runs the command. It does not return if the command takes escenv's
// place or is ended by a signal.
func (p *program) runExec(ctx context.Context, x *execution) error {
	out, err := openResult(x.statusFile)
	if err != nil {
		p.explain(err)
		return statusError(exitNotRun)
	}
	began := p.now()
	r, status, err := p.execute(ctx, x)
	code := p.explainRun(x, status, err)
	if code == exitUsage {
		return err
	}
	if err := out.write(resultOf(x, r, began, p.now(), status, err, code)); err != nil {
		p.explain(err)
		return statusError(exitNotRun)
	}
	if err == nil {
		process.Die(status.Signal)
	}
	return statusError(code)
}

// execute does what x asks, or says what that would be. r is nil if it did not
// come as far as deciding how.
func (p *program) execute(ctx context.Context, x *execution) (r *run, status process.Status, err error) {
	p.kept = &keptAgent{}
	defer p.kept.close()
	if r, err = p.prepare(ctx, x); err != nil {
		return nil, process.Status{}, err
	}
	if x.dryRun {
		return r, process.Status{}, r.describe()
	}
	status, err = r.perform(ctx)
	return r, status, err
}

// explainRun says what went wrong, and returns escenv's own exit status.
func (p *program) explainRun(x *execution, status process.Status, err error) int {
	var usage usageError
	switch start, _ := errors.AsType[*process.StartError](err); {
	case err == nil:
		return status.Code()
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case start != nil:
		p.sayError(start.Error())
		if hint := p.withReference(x.command); start.Code() == exitNotFound && hint != withAnyReference {
			p.sayHint(hint)
		}
		return start.Code()
	}
	p.explain(err)
	if _, ended := errors.AsType[*endedError](err); ended {
		return exitEnded
	}
	return exitNotRun
}

// runInit runs escenv again and, as the first process of a container, waits
// for whatever is left behind.
func (p *program) runInit(ctx context.Context, x *execution) error {
	self, err := os.Executable()
	if err != nil {
		p.explain(err)
		return statusError(exitNotRun)
	}
	command := &process.Command{Args: p.args, Path: self, Env: p.environ, Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr}
	status, err := command.Child(ctx)
	return statusError(p.explainRun(x, status, err))
}
