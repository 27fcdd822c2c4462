package agent

import (
	"context"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// renewalKey marks the context of a renewal: what is still valid is opened
// again, while nobody waits for it.
type renewalKey struct{}

// asRenewal returns a context in which Leases open again what is due.
func asRenewal(ctx context.Context) context.Context {
	return context.WithValue(ctx, renewalKey{}, true)
}

func isRenewal(ctx context.Context) bool { return ctx.Value(renewalKey{}) != nil }

// delayed says that a renewal failed now, perhaps not for the first time.
func delayed(before *esc.Delay, now time.Time, err error) *esc.Delay {
	if before != nil {
		now = before.Since
	}
	return &esc.Delay{Since: now, Err: err}
}

// firstDelay returns why not all leases of an environment could be renewed.
func firstDelay(env *esc.Environment) *esc.Delay {
	for _, l := range env.Leases {
		if l.Delay != nil {
			return l.Delay
		}
	}
	return nil
}
