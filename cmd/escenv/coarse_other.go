//go:build !linux

package main

import "time"

// coarseTime is the clock that files get their times from, which is the finest
// there is.
func coarseTime() time.Time { return time.Now() }
