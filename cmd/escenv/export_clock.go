package main

import (
	"strings"
	"time"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/shells"
)

// ttyTick is how exactly a terminal tells the time, in seconds: the first write
// in each eight of them, counted from 1970, sets its modification time. So it
// is exact about the moments where eight begin.
const ttyTick = 8

// writeClock tells fish, which has no clock, when to come back: when what it
// looks at is newer than the stamp due. That is its terminal, which is written
// to before each prompt, or else the file now, which fish has to write to itself.
func (p *program) writeClock(b *strings.Builder, d shells.Dialect, step *activation.Step) error {
	var due, tty string
	var err error
	if step.Wait > 0 {
		now := time.Now() // files have the real time
		var at time.Time
		at, tty = onTick(now, step)
		due, err = p.stamps().At(at)
	}
	for _, v := range []struct{ name, value string }{
		{"__escenv_due", due},
		{"__escenv_now", p.stamps().Now()},
		{"__escenv_clock", tty},
	} {
		b.WriteString(d.Set(v.name, v.value))
	}
	return err
}

// onTick returns when to come back, and the terminal that can tell: the last
// moment before the tick of its clock. There is none if the time is too short
// for that clock, or if credentials would end before its next tick.
func onTick(now time.Time, step *activation.Step) (due time.Time, tty string) {
	due = now.Add(step.Wait).Truncate(time.Second)
	tick := time.Unix((due.Unix()+ttyTick-1)/ttyTick*ttyTick, 0)
	if step.Wait < ttyTick*time.Second || !step.Expires.IsZero() && tick.After(step.Expires) {
		return due, ""
	}
	if tty = ttyClock(now); tty != "" {
		due = tick.Add(-time.Nanosecond)
	}
	return due, tty
}
