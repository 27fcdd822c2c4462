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

// quiet returns for how long nobody has asked for anything.
func (u *usage) quiet(now time.Time) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.active > 0 {
		return 0
	}
	return now.Sub(u.last)
}

// stopWhenIdle calls stop once nobody has asked for anything for the Idle time.
func (s *Server) stopWhenIdle(ctx context.Context, stop func(), use *usage) {
	for {
		left := s.Idle - use.quiet(s.Now())
		if left <= 0 {
			stop()
			return
		}
		select {
		case <-s.After(left):
		case <-ctx.Done():
			return
		}
	}
}
