//go:build !escenv_testclock

package main

import "time"

// clock tells the time. Builds for tests have another.
var clock = time.Now
