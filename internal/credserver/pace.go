package credserver

import (
	"context"
	"time"

	"github.com/escenv/escenv/internal/credentials"
	"github.com/escenv/escenv/internal/esc"
)

const (
	// margin is how long before their end credentials are renewed, at least:
	// clients ask again when less than a quarter of an hour is left, and once
	// they do they ask at each of their requests.
	margin = 20 * time.Minute
	// The shortest and the longest pause after a try that brought nothing.
	shortPause = 5 * time.Second
	longPause  = time.Minute
	// askedPause is the shortest pause when clients have nothing to work with.
	askedPause = 10 * time.Second
)

// schedule returns when to renew what was just opened: a quarter of its life
// before the end but at least the margin, and not before half its life is over,
// which would only make for more sessions. What it opened may know better when
// there will be something new to open; asking again before then is no use.
func (k *Keeper) schedule(env *esc.Environment, found credentials.Credentials, isNew bool) time.Time {
	now := k.Now().Round(0)
	if isNew {
		k.failed = 0
		life := found.Expires.Sub(now)
		ahead := min(max(margin, life/4), life/2)
		ahead += time.Duration(k.Jitter() * float64(ahead) / 10)
		due := found.Expires.Add(-ahead)
		if env.Renew.After(now) && env.Renew.Before(due) {
			due = env.Renew
		}
		return due
	}
	if env.Renew.After(now) {
		return env.Renew
	}
	return k.retry(found.Expires) // whoever opens it fails, and gives what there is
}

// retry returns when to try again after one more try that brought nothing:
// later each time, but often enough before what there is expires.
func (k *Keeper) retry(expires time.Time) time.Time {
	pause := min(shortPause<<min(k.failed, 10), longPause)
	k.failed++
	now := k.Now().Round(0)
	if left := expires.Sub(now); left > 0 {
		pause = min(pause, max(left/4, time.Second))
	}
	return now.Add(pause - time.Duration(k.Jitter()*float64(pause)/5))
}

// sleep waits until a renewal is due, by the wall clock, or until a client
// needs one and the last try is some time ago. It returns false when ctx ends.
func (k *Keeper) sleep(ctx context.Context) bool {
	began := k.Now().Round(0)
	due := k.dueTime()
	for {
		wait := due.Sub(k.Now().Round(0))
		if wait <= 0 {
			return ctx.Err() == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-k.asked:
			if soon := began.Add(askedPause); soon.Before(due) {
				due = soon
			}
		case <-k.After(min(wait, trustTime)):
		}
	}
}

func (k *Keeper) dueTime() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.due.Round(0)
}
