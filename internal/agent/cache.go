// Package agent keeps opened environments in memory and hands them to escenv:
// a Cache that opens each environment once and again before it expires, a Watch
// on the files it rests on, and a Server that answers on a socket or on the
// standard streams.
package agent

import (
	"context"
	"errors"
	"sort"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// DefaultPatience is how long a renewal may keep waiting those whose
// credentials are still valid.
const DefaultPatience = time.Second

// failureHold is how long prompts share the failure of one attempt, so that
// many shells do not knock at a door that is shut.
const failureHold = 250 * time.Millisecond

// maxLeases bounds the memory of a Cache.
const maxLeases = 512

// A Cache is an esc.Opener that remembers what another one opened, until
// shortly before it expires or until a file it rests on changes. Concurrent
// requests for the same environment share one opening, which outlives the
// caller that began it. Environments it returns are shared: do not change them.
type Cache struct {
	Opener   esc.Opener
	Now      func() time.Time
	Jitter   func() float64 // at least 0 and below 1; spreads renewals; may be nil
	Patience time.Duration  // see DefaultPatience
	// Changed is called when callers should ask again: a lease was renewed, or
	// an environment arrived after everybody who wanted it had left. May be nil.
	Changed func()

	mu      sync.Mutex
	era     int // counts Forgets: what was begun in an earlier one is not kept
	leases  map[string]*lease
	flights map[string]*flight
}

// Open returns the environment from memory, or opens it. While old credentials
// are valid, a renewal that fails or takes long is not waited for. It never
// returns an environment that has expired.
func (c *Cache) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	held := c.held(req)
	if held != nil && held.fresh(c.Now()) {
		return held.env, nil
	}
	flight, seat := c.board(ctx, req)
	env, err := c.wait(ctx, flight, held)
	c.leave(flight, seat, held != nil)
	if err != nil && held != nil && ctx.Err() == nil && held.valid(c.Now()) {
		return held.env, nil
	}
	return env, err
}

// errImpatient says that a renewal takes too long to wait for.
var errImpatient = errors.New("the renewal is still under way")

func (c *Cache) wait(ctx context.Context, f *flight, held *lease) (*esc.Environment, error) {
	var tired <-chan time.Time
	if held != nil {
		timer := time.NewTimer(c.Patience)
		defer timer.Stop()
		tired = timer.C
	}
	select {
	case <-f.landed:
		return f.env, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-tired:
		if held.valid(c.Now()) {
			return nil, errImpatient
		}
	}
	return c.wait(ctx, f, nil)
}

// held returns what is remembered for req if it may still be used.
func (c *Cache) held(req esc.Request) *lease {
	c.mu.Lock()
	l := c.leases[leaseKey(req)]
	c.mu.Unlock()
	now := c.Now()
	if l == nil || !l.usable(now) || l.moved() {
		return nil
	}
	return l
}

// keep remembers what a flight of the current era brought, and reports whether
// it replaces something else.
func (c *Cache) keep(req esc.Request, l *lease) (renewed bool) {
	key := leaseKey(req)
	old := c.leases[key]
	if c.leases == nil {
		c.leases = map[string]*lease{}
	}
	c.leases[key] = l
	c.prune()
	if end := l.env.Expires; !end.IsZero() {
		time.AfterFunc(end.Sub(c.Now()), c.sweep)
	}
	return old != nil && !same(old.env, l.env)
}

// sweep drops what has expired, also if nobody asks for anything any more.
func (c *Cache) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prune()
}

// prune drops what has expired, and the oldest leases if there are too many.
func (c *Cache) prune() {
	now := c.Now()
	for key, l := range c.leases {
		if !l.valid(now) {
			delete(c.leases, key)
		}
	}
	for len(c.leases) > maxLeases {
		oldest := ""
		for key, l := range c.leases {
			if oldest == "" || l.opened.Before(c.leases[oldest].opened) {
				oldest = key
			}
		}
		delete(c.leases, oldest)
	}
}

// Forget drops every environment. What is being opened now still reaches those
// who wait for it, and is not kept.
func (c *Cache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.era++
	clear(c.leases)
	clear(c.flights)
}

// ForgetFile drops the environments that rest on a file, or on any file below
// a directory.
func (c *Cache) ForgetFile(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.era++
	clear(c.flights)
	for key, l := range c.leases {
		if l.restsOn(path) {
			delete(c.leases, key)
		}
	}
}

func (c *Cache) jitter() float64 {
	if c.Jitter == nil {
		return 0
	}
	return c.Jitter()
}

// A Lease describes a remembered environment.
type Lease struct {
	Name    string
	Expires time.Time // zero if never
	Renew   time.Time
}

// Leases lists what is remembered and valid, by name.
func (c *Cache) Leases() []Lease {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prune()
	leases := make([]Lease, 0, len(c.leases))
	for _, l := range c.leases {
		leases = append(leases, Lease{Name: l.env.Name, Expires: l.env.Expires, Renew: l.env.Renew})
	}
	sort.Slice(leases, func(i, j int) bool { return leases[i].Name < leases[j].Name })
	return leases
}

// leaseKey is the same for requests that one environment satisfies: whether
// anybody may be asked makes no difference once it is open.
func leaseKey(req esc.Request) string {
	req.Hook = false
	return flightKey(req)
}

// flightKey is the same for requests that one opening satisfies.
func flightKey(req esc.Request) string { return wire.OpenArgs(req).Key() }

// same reports whether nobody would notice the difference between a and b.
func same(a, b *esc.Environment) bool {
	if !a.Expires.Equal(b.Expires) || len(a.Variables) != len(b.Variables) {
		return false
	}
	for i, v := range a.Variables {
		old, _ := v.Value.RevealString()
		text, _ := b.Variables[i].Value.RevealString()
		if v.Name != b.Variables[i].Name || old != text {
			return false
		}
	}
	return true
}
