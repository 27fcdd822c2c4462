package agent

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// Leases remembers what providers opened until it is due, so that opening an
// environment again, for other variables or after an edit, opens only what has
// to be: every shell, open and exec share one session. Concurrent openings of
// one thing are one opening.
//
// A renewal that fails is tried again, later each time; meanwhile what there is
// stays in use until it expires.
type Leases struct {
	Now    func() time.Time
	Jitter func() float64 // at least 0 and below 1; spreads renewals; may be nil
	Timer  Timer          // SystemTimer if nil
	Ahead  time.Duration  // renew so long before the end, or longer: see DefaultAhead; 0 for shortly before

	flights flights[leaseID, esc.Opened]

	mu     sync.Mutex
	secret []byte // made when first needed
	era    int    // counts Forgets: what was begun in an earlier one is not kept
	grants map[leaseID]*grant
	alarm  alarm
}

// A grant is what a provider opened.
type grant struct {
	span
	value    esc.Value
	site     esc.Site
	failures int        // of its renewal, in a row
	delay    *esc.Delay // nil if there were none
}

func (g *grant) opened() esc.Opened {
	return esc.Opened{Value: g.value, Expires: g.expires, Renew: g.renew, Delay: g.delay}
}

// Around returns a provider that remembers what p opens. The name tells
// providers apart.
func (l *Leases) Around(name string, p esc.Provider) esc.Provider {
	return leasing{Provider: p, name: name, leases: l}
}

type leasing struct {
	esc.Provider
	name   string
	leases *Leases
}

// Unwrap returns the provider itself, which may describe what it gives.
func (p leasing) Unwrap() esc.Provider { return p.Provider }

// Open returns what was opened with these inputs at this site, or opens it.
func (p leasing) Open(ctx context.Context, inputs esc.Value, at esc.Site) (esc.Opened, error) {
	return p.leases.open(ctx, p.leases.id(p.name, inputs, at), at, func(ctx context.Context) (esc.Opened, error) {
		return p.Provider.Open(ctx, inputs, at)
	})
}

type opening func(context.Context) (esc.Opened, error)

func (l *Leases) open(ctx context.Context, id leaseID, at esc.Site, open opening) (esc.Opened, error) {
	if opened, ok := l.ready(ctx, id); ok {
		return opened, nil
	}
	how := trip[esc.Opened]{open: func(ctx context.Context) (esc.Opened, error) {
		if opened, ok := l.ready(ctx, id); ok {
			return opened, nil // it came while this set out
		}
		return l.fly(ctx, id, at, open)
	}}
	f, s := l.flights.board(ctx, id, how)
	defer l.flights.leave(id, f, s)
	return f.wait(ctx)
}

// ready returns what is remembered if there is no need to open it again: it is
// not due, or it is valid and nobody wants it renewed.
func (l *Leases) ready(ctx context.Context, id leaseID) (esc.Opened, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, now := l.grants[id], l.Now()
	if g == nil || !g.usable(now) || !g.fresh(now) && isRenewal(ctx) {
		return esc.Opened{}, false
	}
	return g.opened(), true
}

// eraKey is where a context says what Begin has seen.
type eraKey struct{}

// Begin returns the context for an evaluation that begins now: what it opens
// after a Forget, of which it cannot know, is not remembered.
func (l *Leases) Begin(ctx context.Context) context.Context {
	return context.WithValue(ctx, eraKey{}, l.currentEra())
}

func (l *Leases) currentEra() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.era
}

// fly opens and remembers.
func (l *Leases) fly(ctx context.Context, id leaseID, at esc.Site, open opening) (esc.Opened, error) {
	era, begun := ctx.Value(eraKey{}).(int)
	if !begun {
		era = l.currentEra()
	}
	opened, err := open(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		return l.failed(ctx, id, err)
	}
	g := l.newGrant(opened, at)
	if era == l.era && g.valid(l.Now()) {
		l.keep(id, g)
	}
	return g.opened(), nil
}

// failed returns what is remembered, if that is still good, and when to try
// again.
func (l *Leases) failed(ctx context.Context, id leaseID, err error) (esc.Opened, error) {
	g, now := l.grants[id], l.Now()
	if g == nil || !g.usable(now) || errors.Is(ctx.Err(), context.Canceled) {
		return esc.Opened{}, err
	}
	g.failures++
	g.delay = delayed(g.delay, now, err)
	g.renew = g.retryAt(now, g.failures, l.jitter())
	return g.opened(), nil
}

func (l *Leases) newGrant(opened esc.Opened, at esc.Site) *grant {
	now := l.Now()
	g := &grant{span: span{opened: now, renew: opened.Renew, expires: opened.Expires}, value: opened.Value, site: at}
	if g.renew.IsZero() && !g.expires.IsZero() {
		g.renew = l.renewAt(now, g.expires)
	}
	return g
}

func (l *Leases) jitter() float64 {
	if l.Jitter == nil {
		return 0
	}
	return l.Jitter()
}

func (l *Leases) keep(id leaseID, g *grant) {
	if l.grants == nil {
		l.grants = map[leaseID]*grant{}
	}
	l.grants[id] = g
	l.prune()
}

// sweep drops what is of no use any more, also if nobody asks for anything.
func (l *Leases) sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prune()
}

func (l *Leases) prune() {
	now, next := l.Now(), time.Duration(-1)
	for id, g := range l.grants {
		switch left := g.until(g.end(), now); {
		case left <= 0:
			delete(l.grants, id)
		case next < 0 || left < next:
			next = left
		}
	}
	for len(l.grants) > maxKept {
		delete(l.grants, oldest(l.grants, func(g *grant) time.Time { return g.span.opened }))
	}
	l.alarm.timer = l.Timer
	if l.alarm.off(); len(l.grants) > 0 {
		l.alarm.set(next, l.sweep)
	}
}

// oldest returns the key of what was opened first.
func oldest[K comparable, T any](kept map[K]T, opened func(T) time.Time) (key K) {
	first := true
	for k, v := range kept {
		if first || opened(v).Before(opened(kept[key])) {
			key, first = k, false
		}
	}
	return key
}

// Forget drops everything. What is being opened now still reaches those who
// wait for it, and is not kept.
func (l *Leases) Forget() { l.forget(func(*grant) bool { return true }) }

// ForgetDefinition drops what was opened for the definition of that name, or in
// it.
func (l *Leases) ForgetDefinition(name string) {
	l.forget(func(g *grant) bool { return named(g.site.Root, name) || named(g.site.Current, name) })
}

// named reports whether a definition has that name, in any revision.
func named(definition, name string) bool {
	base, _, _ := strings.Cut(definition, "@")
	return definition == name || base == name
}

func (l *Leases) forget(dropped func(*grant) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.era++
	l.flights.clear()
	for id, g := range l.grants {
		if dropped(g) {
			delete(l.grants, id)
		}
	}
	l.prune()
}

// Retry lets renewals that failed be tried at once.
func (l *Leases) Retry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.grants {
		if g.failures > 0 {
			g.renew = l.Now()
		}
	}
}

// Len returns how many leases are remembered.
func (l *Leases) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.grants)
}
