package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// flightTime is the longest that opening an environment may take, a login in a
// browser included.
const flightTime = 5 * time.Minute

// A flight is one opening under way, and those who wait for it. It does not
// end because one of them leaves.
type flight struct {
	req    esc.Request
	era    int
	cancel context.CancelFunc
	landed chan struct{} // closed when env and err are set
	env    *esc.Environment
	err    error

	mu    sync.Mutex
	seats map[*seat]struct{}
	words string // the latest progress, for those who come late
}

// A seat is one caller's place in a flight.
type seat struct{ ctx context.Context } //nolint:containedctx // it is where the caller's progress goes

// board takes a seat in the flight that is under way for req, or in a new one.
func (c *Cache) board(ctx context.Context, req esc.Request) (*flight, *seat) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := flightKey(req)
	f := c.flights[key]
	if f == nil {
		f = c.takeOff(ctx, key, req)
	}
	s := &seat{ctx}
	f.sit(s)
	return f, s
}

func (c *Cache) takeOff(ctx context.Context, key string, req esc.Request) *flight {
	f := &flight{req: req, era: c.era, landed: make(chan struct{}), seats: map[*seat]struct{}{}}
	ctx = esc.WithProgress(context.WithoutCancel(ctx), f.announce)
	ctx, f.cancel = context.WithTimeout(ctx, flightTime)
	if c.flights == nil {
		c.flights = map[string]*flight{}
	}
	c.flights[key] = f
	go c.fly(ctx, key, f)
	return f
}

// fly opens the environment and tells everybody.
func (c *Cache) fly(ctx context.Context, key string, f *flight) {
	defer f.cancel()
	began := c.Now()
	env, err := open(ctx, c.Opener, f.req)
	l, err := c.newLease(env, err, began)
	renewed := c.land(key, f, l, err)
	if (renewed || f.empty() && err == nil) && c.Changed != nil {
		c.Changed()
	}
	close(f.landed)
}

// open turns a panic of the opener into an error, because a flight is nobody's
// request.
func open(ctx context.Context, opener esc.Opener, req esc.Request) (env *esc.Environment, err error) {
	defer func() {
		if r := recover(); r != nil {
			env, err = nil, esc.Errorf(esc.Internal, "opening the environment crashed")
		}
	}()
	env, err = opener.Open(ctx, req)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = &esc.Error{Kind: esc.Unavailable, Summary: fmt.Sprintf("opening the environment took longer than %s", flightTime), Err: err}
	}
	return env, err
}

// land keeps what came, if no Forget came between, and takes the flight off the
// board: at once, or a moment later if it is a failure for prompts to share.
func (c *Cache) land(key string, f *flight, l *lease, err error) (renewed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.err = err
	current := f.era == c.era
	if err == nil {
		f.env = l.env
		renewed = current && !l.doubtful && c.keep(f.req, l)
	}
	if !current {
		return renewed
	}
	if f.req.Hook && transient(err) {
		time.AfterFunc(failureHold, func() { c.offBoard(key, f) })
		return renewed
	}
	delete(c.flights, key)
	return renewed
}

func (c *Cache) offBoard(key string, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[key] == f {
		delete(c.flights, key)
	}
}

// transient reports whether err came from somebody else than the user's files.
func transient(err error) bool {
	var e *esc.Error
	return errors.As(err, &e) && (e.Kind == esc.Unavailable || e.Kind == esc.Refused)
}

// leave gives up a seat. A flight that nobody waits for is called back, except
// that a prompt asks again and a renewal is wanted whoever waits.
func (c *Cache) leave(f *flight, s *seat, renewal bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := f.rise(s)
	if !last || renewal || f.req.Hook {
		return
	}
	if key := flightKey(f.req); c.flights[key] == f {
		delete(c.flights, key)
	}
	f.cancel()
}

func (f *flight) sit(s *seat) {
	f.mu.Lock()
	f.seats[s] = struct{}{}
	words := f.words
	f.mu.Unlock()
	if words != "" {
		esc.Progress(s.ctx, words)
	}
}

func (f *flight) rise(s *seat) (last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.seats, s)
	return len(f.seats) == 0
}

func (f *flight) empty() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.seats) == 0
}

// announce passes progress on to everybody aboard.
func (f *flight) announce(words string) {
	f.mu.Lock()
	f.words = words
	seats := make([]*seat, 0, len(f.seats))
	for s := range f.seats {
		seats = append(seats, s)
	}
	f.mu.Unlock()
	for _, s := range seats {
		esc.Progress(s.ctx, words)
	}
}
