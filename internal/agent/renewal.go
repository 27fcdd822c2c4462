package agent

import (
	"context"
	"sync"
)

// A renewal opens again what is still valid, while nobody waits for it.
// Whatever is opened on its behalf knows by the context.
type renewal struct {
	mu      sync.Mutex
	problem error // the first thing that could not be renewed
}

type renewalKey struct{}

// asRenewal returns a context in which Leases open again what is due.
func asRenewal(ctx context.Context) (context.Context, *renewal) {
	r := &renewal{}
	return context.WithValue(ctx, renewalKey{}, r), r
}

func isRenewal(ctx context.Context) bool { return ctx.Value(renewalKey{}) != nil }

// noteProblem tells the renewal that ctx is for, if it is for one, what could
// not be renewed although the old is still good.
func noteProblem(ctx context.Context, err error) {
	r, ok := ctx.Value(renewalKey{}).(*renewal)
	if !ok || err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.problem == nil {
		r.problem = err
	}
}

func (r *renewal) trouble() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem
}
