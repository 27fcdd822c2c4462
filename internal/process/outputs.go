package process

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// outputs are a command's two streams of output, and how they reach ours.
type outputs struct {
	files []*os.File // what the command gets, stdout and stderr
	legs  []leg
}

// A leg is one stream that is carried.
type leg struct {
	end    *os.File // the command's
	from   *os.File // ours
	to     *os.File
	screen bool // it is a terminal
	pump   *pump
}

// openOutputs opens what is between the command and our streams: nothing if
// nothing is masked, one thing if both streams go to the same place, so that
// the order in which the command writes is kept.
func (c *Command) openOutputs() (*outputs, error) {
	o := &outputs{}
	if c.Secrets == nil {
		o.files = []*os.File{c.Stdout, c.Stderr}
		return o, nil
	}
	err := o.open(c.Stdout, c.Screens)
	if err == nil && sameFile(c.Stdout, c.Stderr) {
		o.files = append(o.files, o.files[0])
		return o, nil
	}
	if err == nil {
		err = o.open(c.Stderr, c.Screens)
	}
	if err != nil {
		o.abandon()
		return nil, err
	}
	return o, nil
}

func (o *outputs) open(to *os.File, screens bool) (err error) {
	l := leg{to: to, screen: screens && isTerminal(to)}
	if l.screen {
		l.from, l.end, err = openScreen(to)
	} else {
		l.from, l.end, err = os.Pipe()
	}
	if err != nil {
		return err
	}
	o.legs, o.files = append(o.legs, l), append(o.files, l.end)
	return nil
}

// openScreen opens a terminal for output alone: the user's own does what there
// is to do about line ends.
func openScreen(user *os.File) (master, slave *os.File, err error) {
	master, slave, err = openPty(user)
	if err != nil {
		return nil, nil, err
	}
	if now, err := modesOf(slave); err == nil {
		raw := rawModes(*now)
		_ = setModes(slave, &raw)
	}
	return master, slave, nil
}

// pump begins to carry. The command alone holds the other ends now.
func (o *outputs) pump(c *Command) {
	for i := range o.legs {
		l := &o.legs[i]
		l.end.Close()
		l.pump = startPump(l.from, l.to, c.Secrets, isTerminal(l.to))
	}
}

func (o *outputs) abandon() {
	for _, l := range o.legs {
		l.end.Close()
		l.from.Close()
	}
}

// screens reports whether a stream is carried from a terminal.
func (o *outputs) screens() bool {
	return slices.ContainsFunc(o.legs, func(l leg) bool { return l.screen })
}

// resize gives the screens the size of the user's terminal. That has told the
// command already, who may have looked too early.
func (o *outputs) resize(pid int) {
	for _, l := range o.legs {
		if l.screen {
			resize(l.from, l.to)
			_ = unix.Kill(pid, syscall.SIGWINCH)
		}
	}
}

// drain carries the rest. It returns what was lost on the way, unless nobody
// was reading any more: a command that has ended knows nothing of either.
func (o *outputs) drain() error {
	var lost error
	for _, l := range o.legs {
		l.pump.drain()
		if !errors.Is(l.pump.failed, syscall.EPIPE) {
			lost = cmp.Or(lost, l.pump.failed)
		}
	}
	return lost
}

func sameFile(a, b *os.File) bool {
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}
