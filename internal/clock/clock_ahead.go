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

// Now returns the time that the test wants it to be.
func Now() time.Time {
	text, err := os.ReadFile(os.Getenv(Variable))
	if err != nil {
		return time.Now()
	}
	ahead, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		panic(Variable + ": " + err.Error())
	}
	return time.Now().Add(ahead)
}

// glance is how often whoever waits looks at the clock that the test sets.
const glance = 100 * time.Millisecond

// AfterFunc calls f after d or sooner, in a goroutine of its own, unless stop is
// called first.
func AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(min(d, glance), f).Stop
}
