//go:build escenv_testclock

package main

import (
	"os"
	"strings"
	"time"
)

// clock runs ahead of the wall clock by the duration in the file that
// ESCENV_TEST_CLOCK names, so that tests can let credentials expire.
func clock() time.Time {
	text, err := os.ReadFile(os.Getenv("ESCENV_TEST_CLOCK"))
	if err != nil {
		return time.Now()
	}
	ahead, _ := time.ParseDuration(strings.TrimSpace(string(text)))
	return time.Now().Add(ahead)
}
