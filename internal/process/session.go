package process

import (
	"errors"
	"os"
	"syscall"
)

// A session is one command on its pty.
type session struct {
	user     *os.File // the user's terminal; nil if there is none
	control  *os.File // the controlling terminal; nil if there is none
	saved    *modes   // how user was; nil while it is not set raw
	master   *os.File
	keyboard *keyboard
	pumps    []*pump
	monitor  *child
	link     *link
	caught   *signals

	started bool // the command is
	asked   bool // the command wants the keyboard, or always did
	copied  bool // the pty was set like the user's terminal
	stopped bool // the command is
	granted bool // the pty's keyboard is the command's
}

// follow carries until the command ends.
func (s *session) follow(endings <-chan syscall.Signal) (Status, error) {
	reports := each(s.link.nextReport)
	for {
		select {
		case caught := <-s.caught.rare:
			s.pass(caught.(syscall.Signal))
		case <-s.caught.resizes:
			resize(s.master, s.user)
		case signal := <-endings:
			_ = s.link.give(order{signal: signal, foreground: s.granted})
		case r, ok := <-reports:
			switch {
			case !ok:
				return Status{}, errors.New("the terminal's monitor ended")
			case r.errno != 0:
				return Status{}, r.errno
			case !s.started:
				s.started = true
				s.keyboard.set(s.saved != nil)
			case !r.status.Stopped():
				return s.ended(r.status), nil
			default:
				s.suspend(r.status.StopSignal())
			}
		}
	}
}

// pass hands on a signal to the command's process group.
func (s *session) pass(caught syscall.Signal) {
	switch caught {
	case syscall.SIGPIPE: // ours: the pump notices
	case syscall.SIGCONT:
		s.resume()
	default:
		_ = s.link.give(order{signal: caught})
	}
}

// suspend stops escenv as the command was stopped, for the shell that waits
// for it. If the command only wants the terminal, and it is here, it gets it.
func (s *session) suspend(by syscall.Signal) {
	s.stopped = true
	wants := by == syscall.SIGTTIN || by == syscall.SIGTTOU
	s.asked = s.asked || wants
	if !wants || s.granted || !foreground(s.user) {
		s.cooked()
		stopSelf(by)
	}
	s.resume()
}

// resume is called when escenv goes on, or may have come to the foreground or
// left it.
func (s *session) resume() {
	front := s.user == nil || s.asked && foreground(s.user)
	if front {
		s.raw()
		resize(s.master, s.user)
	} else {
		s.saved = nil // the shell has set it since
		s.keyboard.set(false)
	}
	if s.stopped || front != s.granted {
		s.stopped, s.granted = false, front
		_ = s.link.give(order{signal: syscall.SIGCONT, foreground: front})
	}
}

// raw lets every key through to the pty, as soon as the command is there to be
// meant by it. The pty has modes of its own, which at first are the terminal's:
// not before escenv is in the foreground, since until then they are what a shell
// edits its line with. The monitor hears of it first, in case escenv is killed.
func (s *session) raw() {
	if s.user == nil {
		return
	}
	if !s.copied {
		copyModes(s.master, s.user)
		s.copied = true
	}
	if now, err := modesOf(s.user); err == nil {
		if s.saved == nil {
			s.saved = now
		}
		raw := rawModes(*now)
		_ = s.link.give(order{modes: &[2]modes{*s.saved, raw}})
		_ = setModes(s.user, &raw)
	}
	s.keyboard.set(s.started)
}

// cooked sets the user's terminal as it was.
func (s *session) cooked() {
	s.keyboard.set(false)
	if s.saved != nil {
		_ = setModes(s.user, s.saved)
		s.saved = nil
	}
}

// ended carries what is left of the output when the monitor is gone, so that
// nothing but what the command left behind holds the pty.
func (s *session) ended(ws syscall.WaitStatus) Status {
	<-s.monitor.events
	for _, p := range s.pumps {
		p.drain()
	}
	return statusOf(ws)
}

// close sets the terminal back and hangs up whatever still uses the pty.
func (s *session) close() {
	s.cooked()
	if s.link != nil {
		s.link.file.Close()
	}
	s.master.Close()
	s.control.Close()
}
