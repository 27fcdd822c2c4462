package agent

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// keepTime is how long an environment without credentials is remembered. What
// it rests on is looked at anyway each time it is used.
const keepTime = 5 * time.Minute

// A lease is an opened environment until it expires.
type lease struct {
	env      *esc.Environment
	opened   time.Time // with a monotonic reading, if the clock has one
	stamps   map[string]fs.FileInfo
	doubtful bool // a file changed while it was read: use it once
}

// newLease makes a lease of what an Opener returned.
func (c *Cache) newLease(env *esc.Environment, err error, began time.Time) (*lease, error) {
	if err != nil {
		return nil, err
	}
	now := c.Now()
	copied := *env
	l := &lease{env: &copied, opened: now, stamps: map[string]fs.FileInfo{}}
	if !l.valid(now) {
		return nil, esc.Errorf(esc.Refused, "the credentials of %s had expired when they arrived", env.Name).
			WithHint("see whether this computer's clock is right")
	}
	if !env.Expires.IsZero() && env.Renew.IsZero() {
		copied.Renew = renewAt(now, env.Expires, c.jitter())
	}
	for _, file := range env.Sources {
		l.stamp(file, began, now)
	}
	return l, nil
}

// renewAt returns when to open an environment again: a tenth of its life before
// the end, but half a minute to five minutes, and never before three quarters
// are over. Jitter, from 0 to 1, makes it up to a fifth of that earlier.
func renewAt(now, expires time.Time, jitter float64) time.Time {
	life := expires.Sub(now)
	margin := min(max(life/10, 30*time.Second), 5*time.Minute, life/4)
	margin += time.Duration(jitter * float64(margin) / 5)
	return expires.Add(-margin)
}

// stamp remembers what a file looked like. A change while it was being read
// may or may not have been seen.
func (l *lease) stamp(file string, began, ended time.Time) {
	info, err := os.Stat(file)
	if err != nil {
		l.stamps[file] = nil
		return
	}
	l.stamps[file] = info
	changed := info.ModTime()
	l.doubtful = l.doubtful || !changed.Before(began) && !changed.After(ended)
}

// moved reports whether a file the lease rests on is not as it was.
func (l *lease) moved() bool {
	for file, then := range l.stamps {
		now, err := os.Stat(file)
		if err != nil || then == nil {
			if (err != nil) != (then == nil) {
				return true
			}
			continue
		}
		if !os.SameFile(then, now) || then.Size() != now.Size() || !then.ModTime().Equal(now.ModTime()) {
			return true
		}
	}
	return false
}

// restsOn reports whether the lease read path, or a file below it.
func (l *lease) restsOn(path string) bool {
	below := path + string(filepath.Separator)
	return slices.ContainsFunc(l.env.Sources, func(file string) bool {
		return file == path || strings.HasPrefix(file, below)
	})
}

// fresh reports whether the lease needs no renewal.
func (l *lease) fresh(now time.Time) bool {
	renew := l.env.Renew
	if renew.IsZero() {
		renew = l.opened.Add(keepTime)
	}
	return !l.past(renew, now) && l.valid(now)
}

// usable reports whether the lease may be handed out, if only because its
// renewal fails. That is not for environments that could be opened without
// asking anybody.
func (l *lease) usable(now time.Time) bool {
	return l.valid(now) && (!l.env.Expires.IsZero() || l.fresh(now))
}

// valid reports whether the lease has not expired.
func (l *lease) valid(now time.Time) bool {
	return l.env.Expires.IsZero() || !l.past(l.env.Expires, now)
}

// past reports whether a time of the wall clock has come: by the wall clock,
// which runs on while the computer sleeps, or by the monotonic clock, which
// nobody can set back. Whichever is earlier counts.
func (l *lease) past(at, now time.Time) bool {
	at = at.Round(0) // without a monotonic reading
	return !now.Round(0).Before(at) || now.Sub(l.opened) >= at.Sub(l.opened)
}
