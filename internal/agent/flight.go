package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// flightTime is the longest that opening anything may take, a login in a
// browser included.
const flightTime = 5 * time.Minute

// flights are the openings under way, by what they open.
type flights[K comparable, T any] struct {
	mu    sync.Mutex
	aloft map[K]*flight[T]
}

// A flight is one opening under way, and those who wait for it. It does not
// end because one of them leaves.
type flight[T any] struct {
	how    trip[T]
	cancel context.CancelFunc
	landed chan struct{} // closed when value and err are set
	value  T
	err    error

	mu    sync.Mutex
	seats map[*seat]struct{}
	words string // the latest progress, for those who come late
}

// A trip says how a flight is made.
type trip[T any] struct {
	open   func(context.Context) (T, error)
	ended  func(f *flight[T])        // called before anybody hears of the end; may be nil
	linger func(error) time.Duration // for how long the end is shared with those who come later; may be nil
	stays  bool                      // the flight goes on when everybody has left
}

// A seat is one caller's place in a flight.
type seat struct{ ctx context.Context } //nolint:containedctx // it is where the caller's progress goes

// board takes a seat in the flight that is under way for key, or in a new one.
func (b *flights[K, T]) board(ctx context.Context, key K, how trip[T]) (*flight[T], *seat) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.find(ctx, key, how)
	s := &seat{ctx}
	f.sit(s)
	return f, s
}

// send makes sure that there is a flight for key, with nobody aboard.
func (b *flights[K, T]) send(ctx context.Context, key K, how trip[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.find(ctx, key, how)
}

// find returns the flight for key, which it starts if there is none.
func (b *flights[K, T]) find(ctx context.Context, key K, how trip[T]) *flight[T] {
	if f := b.aloft[key]; f != nil {
		return f
	}
	f := &flight[T]{how: how, landed: make(chan struct{}), seats: map[*seat]struct{}{}}
	ctx = esc.WithProgress(context.WithoutCancel(ctx), f.announce)
	ctx, f.cancel = context.WithTimeout(ctx, flightTime) //nolint:gosec // fly calls it
	if b.aloft == nil {
		b.aloft = map[K]*flight[T]{}
	}
	b.aloft[key] = f
	go b.fly(ctx, key, f)
	return f
}

// has reports whether a flight for key is under way.
func (b *flights[K, T]) has(key K) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.aloft[key] != nil
}

// fly opens what the flight is for and tells everybody.
func (b *flights[K, T]) fly(ctx context.Context, key K, f *flight[T]) {
	defer f.cancel()
	f.value, f.err = f.open(ctx)
	b.land(key, f)
	if f.how.ended != nil {
		f.how.ended(f)
	}
	close(f.landed)
}

// open turns a crash into an error, because a flight is nobody's request.
func (f *flight[T]) open(ctx context.Context) (value T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = esc.Errorf(esc.Internal, "opening the environment crashed")
		}
	}()
	value, err = f.how.open(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = &esc.Error{Kind: esc.Unavailable, Summary: fmt.Sprintf("opening the environment took longer than %s", flightTime), Err: err}
	}
	return value, err
}

// land takes a flight off the board: at once, or a moment later if its end is
// to be shared.
func (b *flights[K, T]) land(key K, f *flight[T]) {
	if f.how.linger != nil {
		if moment := f.how.linger(f.err); moment > 0 {
			time.AfterFunc(moment, func() { b.remove(key, f) })
			return
		}
	}
	b.remove(key, f)
}

func (b *flights[K, T]) remove(key K, f *flight[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.aloft[key] == f {
		delete(b.aloft, key)
	}
}

// clear takes every flight off the board: those aboard get where they wanted,
// and nobody joins them any more.
func (b *flights[K, T]) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.aloft)
}

// leave gives up a seat. A flight that nobody waits for is called back, unless
// it stays.
func (b *flights[K, T]) leave(key K, f *flight[T], s *seat) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !f.rise(s) || f.how.stays {
		return
	}
	select {
	case <-f.landed:
		return
	default:
	}
	if b.aloft[key] == f {
		delete(b.aloft, key)
	}
	f.cancel()
}

// wait returns what the flight brings.
func (f *flight[T]) wait(ctx context.Context) (value T, err error) {
	select {
	case <-f.landed:
		return f.value, f.err
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

func (f *flight[T]) sit(s *seat) {
	f.mu.Lock()
	f.seats[s] = struct{}{}
	words := f.words
	f.mu.Unlock()
	if words != "" {
		esc.Progress(s.ctx, words)
	}
}

func (f *flight[T]) rise(s *seat) (last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.seats, s)
	return len(f.seats) == 0
}

func (f *flight[T]) empty() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.seats) == 0
}

// announce passes progress on to everybody aboard.
func (f *flight[T]) announce(words string) {
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
