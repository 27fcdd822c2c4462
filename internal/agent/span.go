package agent

import "time"

// keepTime is how long something that does not expire is remembered.
const keepTime = 5 * time.Minute

// trustTime is the longest that a timer is trusted: computers sleep, and their
// clocks are set.
const trustTime = time.Minute

// lastMoment is too short to begin anything: what ends within it has ended.
// Shells come back up to as much too early, and had better hear why there are no
// others.
const lastMoment = 2 * time.Second

// A span is how long something that was opened is good for.
type span struct {
	opened  time.Time // with a monotonic reading, if the clock has one
	renew   time.Time // when to open it again; zero if nobody said
	expires time.Time // zero if never
}

// fresh reports whether there is no need to open it again.
func (s span) fresh(now time.Time) bool { return s.until(s.due(), now) > 0 && s.valid(now) }

// usable reports whether it may be handed out, if only because opening it again
// fails. That is not for what could be opened without asking anybody.
func (s span) usable(now time.Time) bool {
	return s.valid(now) && (!s.expires.IsZero() || s.fresh(now))
}

// valid reports whether it has not expired.
func (s span) valid(now time.Time) bool {
	return s.expires.IsZero() || s.until(s.expires, now) > lastMoment
}

// late reports whether more than half of the time for renewals is over.
func (s span) late(now time.Time) bool {
	return s.until(s.expires, now) <= s.expires.Sub(s.renew)/2
}

// due is when to open it again.
func (s span) due() time.Time {
	if s.renew.IsZero() {
		return s.opened.Add(keepTime)
	}
	return s.renew
}

// end is when it is of no use to anybody any more.
func (s span) end() time.Time {
	if s.expires.IsZero() {
		return s.due()
	}
	return s.expires
}

// until returns how far off a time is: by the wall clock, which runs on while
// the computer sleeps, or by the monotonic clock, which nobody can set back.
// Whichever is earlier counts.
func (s span) until(at, now time.Time) time.Duration {
	at = at.Round(0) // without a monotonic reading
	return min(at.Sub(now.Round(0)), at.Sub(s.opened.Round(0))-now.Sub(s.opened))
}

// renewAt returns when to open something again: a tenth of its life before the
// end, but half a minute to five minutes, and never before three quarters are
// over. Jitter, from 0 to 1, makes it up to a fifth of that earlier.
func renewAt(now, expires time.Time, jitter float64) time.Time {
	life := expires.Sub(now)
	margin := min(max(life/10, 30*time.Second), 5*time.Minute, life/4)
	margin += time.Duration(jitter * float64(margin) / 5)
	return expires.Add(-margin)
}

// The shortest and the longest pause after a renewal that failed.
const (
	shortPause = 5 * time.Second
	longPause  = 5 * time.Minute
)

// retryAt returns when to try again after a number of failures, the first being
// 1: later each time, but often enough before what there is expires. Jitter
// makes it up to a fifth earlier.
func (s span) retryAt(now time.Time, failures int, jitter float64) time.Time {
	pause := min(shortPause<<min(failures-1, 10), longPause)
	if left := s.until(s.expires, now); !s.expires.IsZero() && left > 0 {
		pause = min(pause, max(left/4, time.Second))
	}
	return now.Add(pause - time.Duration(jitter*float64(pause)/5)).Round(0)
}
