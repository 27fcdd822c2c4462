package main

import (
	"context"
	"errors"
	"os"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/mask"
	"github.com/escenv/escenv/internal/process"
	"github.com/escenv/escenv/internal/projection"
)

// A run is one execution under way.
type run struct {
	*program
	*execution
	refs    []esc.Ref
	env     *esc.Environment
	secrets *mask.Set // nil if nothing is masked
	serve   bool
	mode    mode

	files  *projection.Run // nil if there are none
	paths  map[string]string
	served *served // nil if nothing is
}

// prepare opens the environment and decides how the command runs in it. Nothing
// is set up yet.
func (p *program) prepare(ctx context.Context, x *execution) (*run, error) {
	r := &run{program: p, execution: x}
	var err error
	if r.refs, err = p.layers(x.refs, p.hintAt(x)); err != nil {
		return nil, err
	}
	if r.env, err = p.opener().Open(ctx, r.request()); err != nil {
		return nil, err
	}
	p.printDiagnostics(r.env.Warnings)
	on := p.streams()
	if r.serve, err = x.serves(r.env, on); err != nil {
		return nil, err
	}
	if !r.serve {
		p.kept.close() // nobody asks it any more
	}
	if x.replace && len(r.env.Files) > 0 {
		return nil, esc.Errorf(esc.Invalid, "--replace: %s has files, which nobody would remove", r.env.Name).
			WithHint("escenv %s --mask=never", x.name)
	}
	if err := r.chooseSecrets(); err != nil {
		return nil, err
	}
	r.mode = x.chooseMode(r.secrets != nil, x.reasons(r.env, r.secrets != nil, r.serve), on)
	return r, nil
}

func (r *run) request() esc.Request {
	return esc.Request{Refs: r.refs, Want: esc.WantVariables, Holder: os.Getpid()}
}

// perform sets up what the command needs, runs it, and takes that away again.
func (r *run) perform(ctx context.Context) (process.Status, error) {
	defer r.takeDown()
	if err := r.setUp(ctx); err != nil {
		return process.Status{}, err
	}
	environ, err := r.childEnviron()
	if err != nil {
		return process.Status{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return process.Status{}, err
	}
	command := &process.Command{
		Args: r.command, Env: environ, Stdin: r.stdin, Stdout: r.stdout, Stderr: r.stderr,
		Secrets: r.secrets, Self: self,
	}
	if r.verbose {
		r.say(r.mode.how + ": " + r.mode.why)
	}
	ctx, done := r.limits(ctx)
	defer done()
	status, err := r.mode.start(ctx, command)
	if reason, ended := errors.AsType[*endedError](context.Cause(ctx)); ended && err == nil {
		err = reason
	}
	return status, err
}
