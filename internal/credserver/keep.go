package credserver

import (
	"context"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/credentials"
	"github.com/escenv/escenv/internal/esc"
)

const (
	// renewTime is how long one renewal may take. Nobody is asked anything then.
	renewTime = time.Minute
	// holdTime is how long a client is kept waiting for credentials when there
	// are none: the most impatient give up after a second.
	holdTime = 700 * time.Millisecond
	// trustTime is the longest that a timer is trusted: computers sleep, and
	// their clocks are set.
	trustTime = time.Minute
)

// A Keeper opens an environment again before its credentials expire, and
// answers with the latest meanwhile. All but Told is required.
type Keeper struct {
	Opener  esc.Opener
	Request esc.Request
	Now     func() time.Time
	After   func(time.Duration) <-chan time.Time
	Jitter  func() float64 // at least 0 and below 1; spreads renewals
	Told    func(News)     // what came with each renewal, one at a time

	name   string // of the environment, for messages
	said   map[string]bool
	asked  chan struct{} // holds something when a client needs a renewal
	failed int           // in a row

	mu      sync.Mutex
	held    credentials.Credentials
	due     time.Time     // when to renew them
	problem error         // of the last renewal, if it failed
	tried   chan struct{} // closed after the next try
}

// News is what a renewal brought.
type News struct {
	Secrets []string  // that were not told before
	Expires time.Time // of what is served now
	Problem error     // why there is nothing new; it is tried again
}

// Open opens the environment for the first time. It is an error if there are no
// credentials in it, or none that end.
func (k *Keeper) Open(ctx context.Context) (News, error) {
	k.said = map[string]bool{}
	k.asked = make(chan struct{}, 1)
	k.tried = make(chan struct{})
	env, found, err := k.open(ctx)
	if err != nil {
		return News{}, err
	}
	k.name, k.held = env.Name, found
	k.due = k.schedule(env, found, true)
	return k.news(env), nil
}

// Run renews the credentials until ctx ends. It must be called after Open.
func (k *Keeper) Run(ctx context.Context) {
	for k.sleep(ctx) {
		k.renew(ctx)
	}
}

// Current is a Source. Where there are no valid credentials it has them renewed
// and waits for a moment.
func (k *Keeper) Current(ctx context.Context) (credentials.Credentials, error) {
	found, tried, err := k.look()
	if err == nil {
		return found, nil
	}
	select {
	case <-tried:
	case <-k.After(holdTime):
	case <-ctx.Done():
	}
	found, _, err = k.look()
	return found, err
}

// look returns the credentials that are held, if they are still valid. It has
// them renewed if that is overdue, which only happens to computers that slept.
func (k *Keeper) look() (found credentials.Credentials, tried <-chan struct{}, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.Now().Round(0)
	if !now.Before(k.due.Round(0)) || !now.Before(k.held.Expires) {
		select {
		case k.asked <- struct{}{}:
		default:
		}
	}
	if !now.Before(k.held.Expires) {
		return credentials.Credentials{}, k.tried, k.expired()
	}
	return k.held, nil, nil
}

// expired says that there are no credentials, and why.
func (k *Keeper) expired() error {
	e := esc.Errorf(esc.Unavailable, "the credentials of %s expired at %s", k.name, k.held.Expires.UTC().Format(time.RFC3339))
	if k.problem != nil {
		e.Summary += " and could not be renewed: " + explain(k.problem)
	}
	return e
}

// open opens the environment and finds its credentials.
func (k *Keeper) open(ctx context.Context) (*esc.Environment, credentials.Credentials, error) {
	env, err := k.Opener.Open(ctx, k.Request)
	if err != nil {
		return nil, credentials.Credentials{}, err
	}
	found, err := credentials.Find(env)
	if err == nil && found.Expires.IsZero() {
		err = esc.Errorf(esc.Invalid, "the credentials of %s do not expire: there is nothing to renew", env.Name)
	}
	return env, found, err
}

// renew opens the environment once more, and keeps what there is if it fails.
func (k *Keeper) renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, renewTime)
	defer cancel()
	env, found, err := k.open(ctx)
	if err == nil && !k.Now().Round(0).Before(found.Expires) {
		err = esc.Errorf(esc.Unavailable, "the credentials of %s had expired when they arrived", env.Name)
	}
	news := k.land(env, found, err)
	if ctx.Err() == nil || err == nil { // or nobody listens any more
		k.Told(news)
	}
}

// land keeps what a try brought and says when the next one is due.
func (k *Keeper) land(env *esc.Environment, found credentials.Credentials, err error) News {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(k.tried)
	k.tried = make(chan struct{})
	k.problem = err
	if err != nil {
		k.due = k.retry(k.held.Expires)
		return News{Expires: k.held.Expires, Problem: err}
	}
	isNew := found != k.held
	k.held = found
	k.due = k.schedule(env, found, isNew)
	return k.news(env)
}

// news tells what was not told before.
func (k *Keeper) news(env *esc.Environment) News {
	news := News{Expires: k.held.Expires}
	for _, secret := range secrets(env) {
		if !k.said[secret] {
			k.said[secret] = true
			news.Secrets = append(news.Secrets, secret)
		}
	}
	return news
}

// secrets returns every secret text of an environment, exported or not.
func secrets(env *esc.Environment) []string {
	var texts []string
	add := func(v esc.Value) {
		if text, ok := v.RevealString(); ok && v.IsSecret() {
			texts = append(texts, text)
		}
	}
	for _, v := range env.Secrets {
		add(v)
	}
	for _, v := range env.Variables {
		add(v.Value)
	}
	for _, f := range env.Files {
		add(f.Content)
	}
	return texts
}
