package agent

import "time"

// DefaultAhead suits the clients of credentials: the AWS CLI and boto3 ask at
// each of their requests for others when less than a quarter of an hour is
// left, so there had better be others by then.
const DefaultAhead = 20 * time.Minute

// renewAt returns when to open something again: when the package's own margin
// says so, or with Ahead earlier: a quarter of its life before its end, at least
// Ahead, and not before half of it is over.
func (l *Leases) renewAt(now, expires time.Time) time.Time {
	at := renewAt(now, expires, l.jitter())
	if l.Ahead == 0 {
		return at
	}
	life := expires.Sub(now)
	ahead := min(max(life/4, l.Ahead), life/2)
	early := expires.Add(-ahead - time.Duration(l.jitter()*float64(ahead)/10))
	if early.Before(at) {
		return early
	}
	return at
}
