package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestWhatIsToldOfTheEnd: however late the clock is looked at, a command's
// credentials do not end unannounced.
func TestWhatIsToldOfTheEnd(t *testing.T) {
	warning := func(what string) string { return "escenv: warning: the credentials of a/b " + what + "\n" }
	expired := warning("have expired")
	for name, test := range map[string]struct {
		left []time.Duration // by the clock, at one look after the other
		want string
	}{
		"five minutes before":       {[]time.Duration{5*time.Minute + 1, 5 * time.Minute, 5*time.Minute - 1, -1}, warning("expire in 5m0s") + expired},
		"at once if there are less": {[]time.Duration{149 * time.Second, 149 * time.Second, -1}, warning("expire in 2m29s") + expired},
		"after a long sleep":        {[]time.Duration{5*time.Minute + 1, -time.Hour}, expired},
	} {
		t.Run(name, func(t *testing.T) {
			r := testRun(t, expiring())
			r.onExpiry = "warn"
			said := &strings.Builder{}
			r.words = said
			r.now = func() time.Time {
				at := r.env.Expires.Add(-test.left[0])
				if len(test.left) > 1 {
					test.left = test.left[1:]
				}
				return at
			}
			r.watchExpiry(t.Context(), r.env.Expires, func(error) { t.Error("the command was ended") })
			if said.String() != test.want {
				t.Errorf("said %q, want %q", said, test.want)
			}
		})
	}
}

func TestNothingIsToldOfACommandThatHasEnded(t *testing.T) {
	r := testRun(t, expiring())
	r.now = func() time.Time { return r.env.Expires }
	said := &strings.Builder{}
	r.words = said
	ctx, end := context.WithCancel(t.Context())
	end()
	r.watchExpiry(ctx, r.env.Expires, func(error) { t.Error("the command was ended") })
	if said.Len() > 0 {
		t.Errorf("said %q", said)
	}
}
