// Package agent keeps opened environments in memory and hands them to escenv:
// a Cache that opens each environment once and again before it expires, Leases
// that do the same for each fn::open in it, a Watch on the files it rests on,
// and a Server that answers on a socket or on the standard streams.
package agent

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// DefaultPatience is how long a renewal may keep waiting those whose
// credentials are about to expire.
const DefaultPatience = time.Second

// failureHold is how long prompts share the failure of one attempt, so that
// many shells do not knock at a door that is shut.
const failureHold = 250 * time.Millisecond

// maxKept bounds the memory of a Cache, and of Leases.
const maxKept = 512

// A Cache is an esc.Opener that remembers what another one opened, until
// shortly before it expires or until a file it rests on changes. Concurrent
// requests for the same environment share one opening, which outlives the
// caller that began it. Environments it returns are shared: do not change them.
//
// While a request's Holder lives, the environment is opened again ahead of its
// expiry, behind everybody's back. What nobody holds is opened again when
// somebody asks for it.
type Cache struct {
	Opener   esc.Opener
	Now      func() time.Time
	Timer    Timer                          // SystemTimer if nil
	Jitter   func() float64                 // at least 0 and below 1; spreads renewals; may be nil
	Patience time.Duration                  // see DefaultPatience
	Find     func(pid int) (Process, error) // finds a Holder; FindProcess if nil
	// Changed is called when callers should ask again: an environment became
	// another one, or arrived after everybody who wanted it had left. May be nil.
	Changed func()
	// Ended is called when a Holder has ended, where the system tells. May be nil.
	Ended func()

	flights flights[string, *esc.Environment]
	holders holders

	mu      sync.Mutex
	locked  bool
	era     int // counts Forgets: what was begun in an earlier one is not kept
	entries map[string]*entry
	alarm   alarm
}

// An entry is what is remembered for a request. What expired is tried to renew
// for as long as somebody holds it.
type entry struct {
	*kept
	req      esc.Request // to open it again
	flight   string      // the key of that
	failures int         // to renew it, in a row
	delay    *esc.Delay  // set if it, or something in it, was not renewed last time
}

// Open returns the environment from memory, or opens it. While credentials are
// valid no prompt waits for their renewal: it is told when that has come. A
// command cannot be told, so it waits a moment if they are about to expire. Open
// never returns an environment that has expired.
func (c *Cache) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	env, err := c.open(ctx, req)
	if err == nil && req.Holder != 0 {
		c.hold(req)
	}
	return env, err
}

func (c *Cache) open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	held, err := c.held(req)
	now := c.Now()
	switch {
	case err != nil:
		return nil, err
	case held == nil:
		return c.fetch(ctx, req)
	case held.fresh(now):
		return held.env, nil
	case req.Hook || !held.late(now):
		c.renew(req)
		return held.env, nil
	}
	return c.await(ctx, req, held)
}

// held returns what is remembered for req if it may still be used.
func (c *Cache) held(req esc.Request) (*kept, error) {
	k, err := c.lookUp(entryKey(req))
	if err != nil || k == nil || !k.usable(c.Now()) || k.moved() {
		return nil, err
	}
	return k, nil
}

func (c *Cache) lookUp(key string) (*kept, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locked {
		return nil, errLocked()
	}
	if e := c.entries[key]; e != nil {
		return e.kept, nil
	}
	return nil, nil
}

// fetch opens what is not remembered.
func (c *Cache) fetch(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	key := flightKey(req)
	f, s := c.flights.board(ctx, key, c.trip(req, false))
	defer c.flights.leave(key, f, s)
	return f.wait(ctx)
}

// renew opens again what is remembered, and does not wait for it.
func (c *Cache) renew(req esc.Request) {
	req = unattended(req)
	c.flights.send(context.Background(), flightKey(req), c.trip(req, true))
}

// await renews what is about to expire, and waits a little.
func (c *Cache) await(ctx context.Context, req esc.Request, held *kept) (*esc.Environment, error) {
	req = unattended(req)
	key := flightKey(req)
	f, s := c.flights.board(ctx, key, c.trip(req, true))
	defer c.flights.leave(key, f, s)
	patience, done := context.WithTimeout(ctx, c.Patience)
	defer done()
	env, err := f.wait(patience)
	switch {
	case err == nil || ctx.Err() != nil:
		return env, err
	case held.valid(c.Now()):
		return held.env, nil
	}
	return f.wait(ctx)
}

// unattended is a request on nobody's behalf: nobody can be asked anything.
func unattended(req esc.Request) esc.Request {
	req.Hook, req.Holder = true, 0
	return req
}

// trip says how to open what req asks for.
func (c *Cache) trip(req esc.Request, again bool) trip[*esc.Environment] {
	c.mu.Lock()
	era := c.era
	c.mu.Unlock()
	changed := false
	return trip[*esc.Environment]{
		stays: req.Hook,
		open: func(ctx context.Context) (env *esc.Environment, err error) {
			env, changed, err = c.fly(ctx, req, era, again)
			return env, err
		},
		ended: func(f *flight[*esc.Environment]) {
			c.plan()
			unseen := f.err == nil && !again && f.empty() // a prompt gave up, and asks again when it is told
			if (changed || unseen) && c.Changed != nil {
				c.Changed()
			}
		},
		linger: func(err error) time.Duration {
			if req.Hook && transient(err) {
				return failureHold
			}
			return 0
		},
	}
}

// transient reports whether err came from somebody else than the user's files.
func transient(err error) bool {
	e, ok := errors.AsType[*esc.Error](err)
	return ok && (e.Kind == esc.Unavailable || e.Kind == esc.Refused)
}

// fly opens and remembers.
func (c *Cache) fly(ctx context.Context, req esc.Request, era int, again bool) (env *esc.Environment, changed bool, err error) {
	began := c.Now()
	if held, err := c.held(req); err == nil && held != nil && held.fresh(began) {
		return held.env, false, nil // it came while this set out
	}
	if again {
		ctx = asRenewal(ctx)
	}
	var k *kept
	if env, err = c.Opener.Open(ctx, req); err == nil {
		k, err = c.newKept(env, began)
	}
	if err != nil {
		c.failed(req, era, err)
		return nil, false, err
	}
	return k.env, c.keep(req, era, k), nil
}

// keep remembers what was opened in the current era, and reports whether it
// replaces something else.
func (c *Cache) keep(req esc.Request, era int, k *kept) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if era != c.era || k.doubtful {
		return false
	}
	key := entryKey(req)
	old := c.entries[key]
	if c.entries == nil {
		c.entries = map[string]*entry{}
	}
	again := unattended(req)
	c.entries[key] = &entry{kept: k, req: again, flight: flightKey(again), delay: firstDelay(k.env)}
	return old != nil && !same(old.env, k.env)
}

// failed puts off the next attempt to renew what is remembered.
func (c *Cache) failed(req esc.Request, era int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[entryKey(req)]; e != nil && era == c.era {
		e.failures++
		e.delay = delayed(e.delay, c.Now(), err)
		e.kept = e.later(e.retryAt(c.Now(), e.failures, c.jitter()))
	}
}

func (c *Cache) jitter() float64 {
	if c.Jitter == nil {
		return 0
	}
	return c.Jitter()
}

// hold keeps what req asked for fresh for as long as its Holder lives.
func (c *Cache) hold(req esc.Request) {
	if c.holders.hold(req.Holder, entryKey(req), req.Hook, c.meet) {
		c.plan()
	}
}

// Release says that a process uses nothing any more.
func (c *Cache) Release(pid int) { c.holders.release(pid) }

// Held reports whether a living process holds something that expires.
func (c *Cache) Held() bool {
	users := c.holders.users()
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.entries {
		if len(users[key]) > 0 && !e.expires.IsZero() {
			return true
		}
	}
	return false
}

// Forget drops every environment. What is being opened now still reaches those
// who wait for it, and is not kept.
func (c *Cache) Forget() { c.forget(func(*entry) bool { return true }) }

// ForgetFile drops the environments that rest on a file, or on any file below
// a directory.
func (c *Cache) ForgetFile(path string) {
	c.forget(func(e *entry) bool { return e.restsOn(path) })
}

// ForgetDefinition drops the environments that have the definition of that name
// as a layer.
func (c *Cache) ForgetDefinition(name string) {
	c.forget(func(e *entry) bool {
		return slices.ContainsFunc(e.req.Refs, func(ref esc.Ref) bool { return named(ref.String(), name) })
	})
}

func (c *Cache) forget(dropped func(*entry) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.era++
	c.flights.clear()
	for key, e := range c.entries {
		if dropped(e) {
			c.drop(key)
		}
	}
}

// drop forgets one environment, and who used it.
func (c *Cache) drop(key string) {
	delete(c.entries, key)
	c.holders.unhold(key)
}

// Lock drops every environment and opens none until Unlock.
func (c *Cache) Lock() {
	c.setLocked(true)
	c.Forget()
}

// Unlock ends Lock.
func (c *Cache) Unlock() { c.setLocked(false) }

// Locked reports whether the Cache is locked.
func (c *Cache) Locked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.locked
}

func errLocked() error {
	return esc.Errorf(esc.Locked, "the agent is locked").WithHint("escenv agent unlock")
}

func (c *Cache) setLocked(locked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.locked = locked
}

// entryKey is the same for requests that one environment satisfies: whether
// anybody may be asked makes no difference once it is open.
func entryKey(req esc.Request) string {
	req.Hook = false
	return flightKey(req)
}

// flightKey is the same for requests that one opening satisfies.
func flightKey(req esc.Request) string { return wire.OpenArgs(req).Key() }
