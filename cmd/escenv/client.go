package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/process"
	"github.com/escenv/escenv/internal/wire"
)

// How escenv reaches an agent: the shared one over its socket, started when it
// is not there; or a private one, a child that lives as long as one question.

// quietWait is how long escenv waits for the agent before it says for what.
const quietWait = time.Second

// maxTries bounds how often an agent is started, or asked again, for one
// question: others may be starting and stopping it meanwhile.
const maxTries = 4

// opener opens environments by asking the agent.
func (p *program) opener() esc.Opener { return wire.Caller(p.call) }

// call asks an agent, the private one if the identity is the caller's own. The
// answer is stored in result; args and result may be nil.
func (p *program) call(ctx context.Context, op wire.Op, args, result any) error {
	talk := &talk{say: p.sayProgress}
	defer talk.end()
	ctx = esc.WithProgress(ctx, talk.progress)
	if p.noAgent() || p.ambient() {
		return p.privateClient().Call(ctx, op, args, result)
	}
	err := p.callShared(ctx, op, args, result)
	if hasKind(err, esc.CallerIdentity) {
		return p.privateClient().Call(ctx, op, args, result)
	}
	return err
}

// noAgent reports whether the user wants no background process.
func (p *program) noAgent() bool { return p.private || p.getenv("ESCENV_NO_AGENT") == "1" }

// ambient reports whether the caller's environment holds an identity, which
// the shared agent never reads.
func (p *program) ambient() bool {
	return p.getenv("ACTIONS_ID_TOKEN_REQUEST_URL") != "" || p.getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != ""
}

// sharedClient asks the agent at path and nobody else.
func (p *program) sharedClient(path string) *wire.Client {
	dial := func(ctx context.Context) (wire.Conn, error) {
		if conn := p.door; conn != nil {
			p.door = nil
			return conn, nil
		}
		return wire.DialSocket(path)(ctx)
	}
	return &wire.Client{Build: build.ID(), Dial: dial, Timeout: p.patience}
}

// callShared asks the shared agent. It starts one where there is none, and has
// one of another build leave first, once.
func (p *program) callShared(ctx context.Context, op wire.Op, args, result any) error {
	path, err := p.socketPath()
	if err != nil {
		return err
	}
	client := p.sharedClient(path)
	err = client.Call(ctx, op, args, result)
	if err != nil && p.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.patience)
		defer cancel()
	}
	for try, replaced := 1, false; err != nil && try < maxTries; try++ {
		switch {
		case errors.Is(err, wire.ErrNoAgent):
			err = p.startAgent(ctx, path)
		case hasKind(err, esc.BuildMismatch) && !replaced:
			replaced, err = true, p.replaceAgent(ctx, client, path)
		case errors.Is(err, wire.ErrHungUp) && repeatable(op):
			err = nil
		default:
			return err
		}
		if err == nil {
			err = client.Call(ctx, op, args, result)
		}
	}
	return err
}

// replaceAgent has the agent leave and starts another.
func (p *program) replaceAgent(ctx context.Context, client *wire.Client, path string) error {
	err := client.Call(ctx, wire.OpLeave, nil, nil)
	if err != nil && !errors.Is(err, wire.ErrNoAgent) && !errors.Is(err, wire.ErrHungUp) {
		return err
	}
	return p.startAgent(ctx, path)
}

// repeatable reports whether op may be asked again when it is not known
// whether the agent did it.
func repeatable(op wire.Op) bool {
	changes := []wire.Op{wire.OpEnvWrite, wire.OpEnvSet, wire.OpEnvRemove, wire.OpIssuerInit}
	return !slices.Contains(changes, op)
}

func hasKind(err error, kind esc.Kind) bool {
	var e *esc.Error
	return errors.As(err, &e) && e.Kind == kind
}

// sayProgress tells who sits at a terminal what is waited for. Written elsewhere
// it would be read later, in a mail of cron's or a job's log, when nobody waits.
func (p *program) sayProgress(words string) {
	if process.IsTerminal(p.stderr) {
		p.say(words)
	}
}

// talk passes the agent's progress on to the user, once there has been time
// enough to wonder.
type talk struct {
	say func(string)

	mu    sync.Mutex
	timer *time.Timer // runs from the first progress on
	words string      // to be said
	said  string      // last, and not again: every try waits for the same
	open  bool        // the user has begun to wonder
	ended bool
}

func (t *talk) progress(words string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.words = words
	switch {
	case t.open:
		t.flush()
	case t.timer == nil:
		t.timer = time.AfterFunc(quietWait, t.wonder)
	}
}

func (t *talk) wonder() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = true
	t.flush()
}

func (t *talk) flush() {
	if t.words != "" && t.words != t.said && !t.ended {
		t.say(t.words)
		t.said = t.words
	}
	t.words = ""
}

// end keeps quiet from now on.
func (t *talk) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.timer != nil {
		t.timer.Stop()
	}
}
