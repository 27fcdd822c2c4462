//go:build escenv_testclock

// Package clock runs ahead of the wall clock by the duration in the file that
// ESCENV_TEST_CLOCK names, "58m" for example. It is for tests.
package clock

import (
	"os"
	"strings"
	"time"
)

// Variable names the environment variable that the clock needs.
const Variable = "ESCENV_TEST_CLOCK"

// Patience is longer than people's: scripts share a machine with many others,
// and have the race detector in everything they start.
func Patience(d time.Duration) time.Duration { return 15 * d }

// Now returns the time that the test wants it to be.
func Now() time.Time {
	text := wanted(os.Getenv(Variable))
	if text == "" {
		return time.Now()
	}
	ahead, err := time.ParseDuration(text)
	if err != nil {
		panic(Variable + ": " + err.Error())
	}
	return time.Now().Add(ahead)
}

// wanted returns what file says, nothing if there is none. One that is empty is
// about to be written.
func wanted(file string) string {
	for range 60_000 {
		text, err := os.ReadFile(file)
		if err != nil {
			return ""
		}
		if said := strings.TrimSpace(string(text)); said != "" {
			return said
		}
		time.Sleep(time.Millisecond)
	}
	panic(Variable + ": " + file + " is empty")
}

// glance is how often whoever waits looks at the clock that the test sets.
const glance = 100 * time.Millisecond

// AfterFunc calls f after d or sooner, in a goroutine of its own, unless stop is
// called first.
func AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(min(d, glance), f).Stop
}
