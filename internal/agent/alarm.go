package agent

import "time"

// A Timer calls f after d, in a goroutine of its own, unless stop is called
// first, as time.AfterFunc does.
type Timer func(d time.Duration, f func()) (stop func() bool)

// SystemTimer is time.AfterFunc.
func SystemTimer(d time.Duration, f func()) (stop func() bool) { return time.AfterFunc(d, f).Stop }

// An alarm calls somebody at a time, or sooner: at least every trustTime, to
// look at the clock. Whoever sets it guards it.
type alarm struct {
	timer Timer // SystemTimer if nil
	stop  func() bool
}

// set has f called after d. It replaces what was set before.
func (a *alarm) set(d time.Duration, f func()) {
	a.off()
	timer := a.timer
	if timer == nil {
		timer = SystemTimer
	}
	a.stop = timer(max(min(d, trustTime), 0), f)
}

// off undoes set.
func (a *alarm) off() {
	if a.stop != nil {
		a.stop()
		a.stop = nil
	}
}
