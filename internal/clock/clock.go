//go:build !escenv_testclock

// Package clock tells the programs the time. Builds for tests have a clock
// that runs ahead of the wall clock, so that credentials expire when a test
// wants them to; nothing of that is in the programs people use.
package clock

import "time"

// Variable names the environment variable that the clock needs: none.
const Variable = ""

// Patience returns how long something that may take d is waited for: d.
func Patience(d time.Duration) time.Duration { return d }

// Now returns the time.
func Now() time.Time { return time.Now() }

// AfterFunc calls f after d, in a goroutine of its own, unless stop is called
// first.
func AfterFunc(d time.Duration, f func()) (stop func() bool) { return time.AfterFunc(d, f).Stop }
