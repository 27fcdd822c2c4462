package main

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/projection"
)

// sweepTime is how often files are looked at of whose owner's end nobody told.
const sweepTime = time.Minute

// A sweeper removes the files of environments whose owner has ended: at once if
// that is told, and all that are left when it begins and when it ends.
type sweeper struct {
	environ []string
	told    chan struct{} // holds at most one
}

func newSweeper(environ []string) *sweeper {
	return &sweeper{environ: environ, told: make(chan struct{}, 1)}
}

// tell says that an owner of files may have ended.
func (s *sweeper) tell() {
	select {
	case s.told <- struct{}{}:
	default: // it was said already
	}
}

// follow sweeps until end is called.
func (s *sweeper) follow(ctx context.Context) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		defer s.sweep()
		for s.sweep(); ctx.Err() == nil; s.sweep() {
			select {
			case <-s.told:
			case <-time.After(sweepTime):
			case <-ctx.Done():
				return
			}
		}
	})
	return func() { stop(); done.Wait() }
}

// sweep does what can be done: whoever loads files next sweeps, too.
func (s *sweeper) sweep() {
	base, err := projection.Base(func(name string) string { return getenv(s.environ, name) }, os.Geteuid())
	if err == nil {
		_ = projection.Sweep(base)
	}
}
