package agent

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// plan drops what is of no use any more and sets the alarm for what comes next.
func (c *Cache) plan() {
	users := c.holders.users()
	c.mu.Lock()
	defer c.mu.Unlock()
	now, next := c.Now(), trustTime
	for key, e := range c.entries {
		if wait, useful := c.nextFor(e, len(users[key]) > 0, now); useful {
			next = min(next, wait)
		} else {
			c.drop(key)
		}
	}
	for len(c.entries) > maxKept {
		c.drop(oldest(c.entries, func(e *entry) time.Time { return e.opened }))
	}
	c.alarm.timer = c.Timer
	if c.alarm.off(); len(c.entries) > 0 {
		c.alarm.set(next, c.tend)
	}
}

// nextFor returns when something has to be done about an entry, unless it is of
// no use any more.
func (c *Cache) nextFor(e *entry, held bool, now time.Time) (wait time.Duration, useful bool) {
	if !held {
		wait = e.until(e.end(), now)
		return wait, wait > 0
	}
	wait = trustTime
	switch {
	case e.expires.IsZero():
	case e.valid(now):
		wait = e.until(e.expires, now)
	default:
		e.kept = e.emptied()
	}
	if !e.renew.IsZero() && !c.flights.has(e.flight) { // what is under way ends in a plan
		wait = min(wait, e.until(e.renew, now))
	}
	return wait, true
}

// tend does what is due: it renews what somebody holds, and looks at the files
// that it rests on, of which nobody may have told.
func (c *Cache) tend() {
	due, moved := c.look()
	for _, req := range due {
		c.renew(req)
	}
	if moved && c.Changed != nil {
		c.Changed()
	}
	c.plan()
}

// look returns what is held and due, and drops what rests on files that have
// changed.
func (c *Cache) look() (due []esc.Request, moved bool) {
	users := c.holders.users()
	for key, e := range c.snapshot() {
		switch {
		case len(users[key]) == 0:
		case e.moved():
			c.forget(func(other *entry) bool { return other.kept == e.kept })
			moved = true
		case !e.renew.IsZero() && e.until(e.renew, c.Now()) <= 0:
			due = append(due, e.req)
		}
	}
	return due, moved
}

// snapshot returns the entries as they are now.
func (c *Cache) snapshot() map[string]entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries := make(map[string]entry, len(c.entries))
	for key, e := range c.entries {
		entries[key] = *e
	}
	return entries
}

// Retry lets renewals that failed be tried at once, for those who hold
// something.
func (c *Cache) Retry() {
	c.mu.Lock()
	for _, e := range c.entries {
		if e.delay != nil {
			e.kept = e.later(c.Now())
		}
	}
	c.mu.Unlock()
	c.plan()
}

// An Opened describes a remembered environment.
type Opened struct {
	Name    string
	Expires time.Time   // zero if never
	Renew   time.Time   // zero if never
	Leases  []esc.Lease // the fn::open it rests on
	Holders []int       // the living processes for which it is kept fresh
	Delay   *esc.Delay  // set if it, or something in it, was not renewed last time
}

// Environments lists what is remembered, by name.
func (c *Cache) Environments() []Opened {
	c.plan()
	users := c.holders.users()
	var list []Opened
	for key, e := range c.snapshot() {
		list = append(list, Opened{
			Name: e.env.Name, Expires: e.expires, Renew: e.renew, Leases: e.env.Leases,
			Holders: users[key], Delay: e.delay,
		})
	}
	slices.SortFunc(list, func(a, b Opened) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.Renew.Compare(b.Renew))
	})
	return list
}
