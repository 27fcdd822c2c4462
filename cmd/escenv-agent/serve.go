package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/clock"
	"github.com/escenv/escenv/internal/credserver"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// serveCredentials serves an environment's credentials on loopback for as long
// as the caller listens, and tells it of every renewal.
func (k *keeper) serveCredentials(ctx context.Context, args wire.OpenArgs) (none, error) {
	if !k.private {
		return none{}, esc.Errorf(esc.Invalid, "only a private agent serves credentials")
	}
	fresh := &credserver.Keeper{
		Opener: k.servingOpener(), Request: esc.Request(args),
		Now: clock.Now, After: time.After, Jitter: rand.Float64,
		Told: func(news credserver.News) { _ = agent.Event(ctx, serveEvent(news)) }, // ctx ends if nobody listens
	}
	news, err := fresh.Open(ctx)
	if err != nil {
		return none{}, err
	}
	endpoint, err := credserver.Listen(ctx, fresh.Current, os.Geteuid())
	if err != nil {
		return none{}, err
	}
	first := serveEvent(news)
	first.URL, first.Token = endpoint.URL, endpoint.Token
	if err := agent.Event(ctx, first); err != nil {
		return none{}, errors.Join(err, endpoint.Close())
	}
	go fresh.Run(ctx)
	return none{}, endpoint.Serve(ctx)
}

func serveEvent(news credserver.News) wire.ServeEvent {
	event := wire.ServeEvent{Secrets: news.Secrets, Expires: news.Expires}
	if news.Problem != nil {
		event.Problem = wire.FromError(news.Problem)
	}
	return event
}

// servingOpener opens what is served: the shared agent does, so that all of a
// user's commands share its sessions, or this one where it is not to be asked.
func (k *keeper) servingOpener() esc.Opener {
	if k.shared == "" {
		return opener(k.openEnvironment)
	}
	client := &wire.Client{Build: build.ID(), Dial: wire.DialSocket(k.shared)}
	return &sharedFirst{shared: client, own: opener(k.openEnvironment)}
}

// sharedFirst asks the shared agent, and opens by itself while that one cannot
// be asked: it was stopped, it is being replaced by another build, it hangs.
// Commands outlive agents.
type sharedFirst struct{ shared, own esc.Opener }

func (o *sharedFirst) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	env, err := o.ask(ctx, req)
	if err == nil || ctx.Err() != nil || !unreachable(err) {
		return env, err
	}
	return o.own.Open(ctx, req)
}

// ask gives the shared agent half of the time there is, if that is limited.
func (o *sharedFirst) ask(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	if end, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	return o.shared.Open(ctx, req)
}

// unreachable reports whether the shared agent did not even try.
func unreachable(err error) bool {
	for _, sign := range []error{wire.ErrNoAgent, wire.ErrHungUp, wire.ErrFrame, context.DeadlineExceeded} {
		if errors.Is(err, sign) {
			return true
		}
	}
	e, ok := errors.AsType[*esc.Error](err)
	return ok && (e.Kind == esc.BuildMismatch || e.Kind == esc.CallerIdentity)
}
