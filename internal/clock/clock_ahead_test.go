//go:build escenv_testclock

package clock_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/clock"
)

// TestTheClockMayBeSetWhileItIsRead: a script's echo empties the file before it
// writes it.
func TestTheClockMayBeSetWhileItIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	t.Setenv(clock.Variable, file)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2000 {
			if err := os.WriteFile(file, []byte("90m\n"), 0o600); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for {
		if ahead := time.Until(clock.Now()); ahead > time.Minute && ahead < 89*time.Minute {
			t.Errorf("it is %s ahead", ahead)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
