package agent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/esc"
)

func TestLeasesAreDueAheadOfWhatClientsWant(t *testing.T) {
	for _, tc := range []struct {
		life, margin time.Duration
		jitter       float64
	}{
		{12 * time.Hour, 3 * time.Hour, 0},
		{time.Hour, 20 * time.Minute, 0},
		{time.Hour, 21 * time.Minute, 0.5},
		{15 * time.Minute, 450 * time.Second, 0},
		{10 * time.Second, 5 * time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			leases := newLeases()
			leases.Ahead = agent.DefaultAhead
			leases.Jitter = func() float64 { return tc.jitter }
			opened, err := leases.Around("mint", &mint{life: tc.life}).Open(t.Context(), esc.New(nil), site)
			must(t, err)
			if margin := opened.Expires.Sub(opened.Renew); margin != tc.margin {
				t.Errorf("of %s, renewed %s before the end, want %s", tc.life, margin, tc.margin)
			}
		})
	}
}
