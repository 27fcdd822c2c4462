package agent

import (
	"context"
	"sync"
	"time"
)

// usage knows since when nobody has asked for anything.
type usage struct {
	mu     sync.Mutex
	active int
	last   time.Time // when the last request ended
}

func (u *usage) begin() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.active++
}

func (u *usage) end(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.active--
	u.last = now
}

// quiet returns for how long nobody has asked for anything, by the wall clock or
// the monotonic one: whichever says longer.
func (u *usage) quiet(now time.Time) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.active > 0 {
		return 0
	}
	return max(now.Sub(u.last), now.Round(0).Sub(u.last.Round(0)))
}

// stopWhenDone calls stop once nobody has asked for anything for the Idle time
// and the agent is not Busy, or once it is Lost.
func (s *Server) stopWhenDone(ctx context.Context, stop func(), use *usage) {
	for {
		wait := trustTime
		if s.Idle > 0 {
			wait = min(wait, s.Idle-use.quiet(s.Now()))
		}
		switch {
		case wait > 0:
		case s.Busy != nil && s.Busy():
			wait = trustTime
		default:
			stop()
			return
		}
		select {
		case <-s.After(wait):
		case <-ctx.Done():
			return
		}
		if s.Lost != nil && s.Lost() {
			stop()
			return
		}
	}
}
