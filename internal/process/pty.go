package process

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Pty runs the command on a terminal of its own and carries between that and
// the user's, masking what the command writes. Stdin and Stdout must be
// terminals; Stderr may be one. A *StartError says that it did not start.
//
// The terminal is escenv's to set only while escenv is in its foreground. It
// is set back whenever the command stops or ends, and by the monitor if escenv
// is killed.
func (c *Command) Pty() (Status, error) {
	path, err := c.lookPath()
	if err != nil {
		return Status{}, err
	}
	s := &session{user: c.Stdin}
	var stopCatching func()
	s.caught, stopCatching = catch(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
		syscall.SIGALRM, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGWINCH)
	defer stopCatching()
	if err := s.open(c); err != nil {
		return Status{}, fmt.Errorf("opening a terminal: %w", err)
	}
	defer s.close()
	if err := s.start(path, c); err != nil {
		return Status{}, err
	}
	status, err := s.follow()
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		err = &StartError{c.Args[0], errno}
	}
	return status, err
}

// A session is one command on its pty.
type session struct {
	user     *os.File    // the user's terminal
	saved    *term.State // how it was; nil while it is not set raw
	master   *os.File
	keyboard *keyboard
	pumps    []*pump
	monitor  *os.Process
	link     *link
	caught   chan os.Signal

	copied  bool // the pty was set like the user's terminal
	stopped bool // the command is
	granted bool // the pty's keyboard is the command's
}

// open opens the pty and starts the monitor on it.
func (s *session) open(c *Command) error {
	master, slave, err := openPty(c.Stdin)
	if err != nil {
		return err
	}
	defer slave.Close()
	files := []*os.File{slave, slave, slave}
	s.master = master
	s.pumps = append(s.pumps, startPump(master, c.Stdout, c.Secrets, true))
	if !isTerminal(c.Stderr) {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer w.Close()
		files[2] = w
		s.pumps = append(s.pumps, startPump(r, c.Stderr, c.Secrets, false))
	}
	if s.keyboard, err = startKeyboard(c.Stdin, master); err != nil {
		return err
	}
	return s.startMonitor(c.Self, files)
}

// startMonitor starts the monitor and waits until it is ready to set the
// terminal back. It gets two files under the numbers they have here, so that
// none the caller opened for the command is in their way.
func (s *session) startMonitor(self string, files []*os.File) error {
	link, other, err := newLinkPair()
	if err != nil {
		return err
	}
	defer other.Close()
	s.link = link
	user := int(s.user.Fd())
	keep, err := unix.FcntlInt(uintptr(user), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return err
	}
	defer unix.Close(keep)
	for _, fd := range []int{keep, int(other.Fd())} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return err
		}
	}
	s.monitor, err = os.StartProcess(self, []string{monitorName, strconv.Itoa(int(other.Fd())), strconv.Itoa(keep)}, &os.ProcAttr{
		Files: files, Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0},
	})
	if err != nil {
		return err
	}
	other.Close()
	_, err = link.nextReport()
	return err
}

// start sets the user's terminal and has the monitor start the command.
func (s *session) start(path string, c *Command) error {
	s.granted = foreground(s.user)
	if s.granted {
		s.raw()
	}
	o := order{Start: &start{Path: path, Args: join(c.Args), Env: join(c.Env)}, Foreground: s.granted}
	if err := s.link.give(o); err != nil {
		return fmt.Errorf("starting on a terminal: %w", err)
	}
	return nil
}

// follow carries until the command ends.
func (s *session) follow() (Status, error) {
	reports := each(s.link.nextReport)
	for {
		select {
		case caught := <-s.caught:
			s.pass(caught.(syscall.Signal))
		case r, ok := <-reports:
			switch {
			case !ok:
				return Status{}, errors.New("the terminal's monitor ended")
			case r.Errno != 0:
				return Status{}, r.Errno
			case !r.Status.Stopped():
				return s.ended(r.Status), nil
			}
			s.suspend(r.Status.StopSignal())
		}
	}
}

// pass hands on a signal to the command's process group.
func (s *session) pass(caught syscall.Signal) {
	switch caught {
	case syscall.SIGPIPE: // ours: the pump notices
	case syscall.SIGWINCH:
		resize(s.master, s.user)
	case syscall.SIGCONT:
		s.resume()
	default:
		_ = s.link.give(order{Signal: caught})
	}
}

// suspend stops escenv as the command was stopped, for the shell that waits
// for it. If the command only wants the terminal, and it is here, it gets it.
func (s *session) suspend(by syscall.Signal) {
	s.stopped = true
	wants := by == syscall.SIGTTIN || by == syscall.SIGTTOU
	if !wants || s.granted || !foreground(s.user) {
		s.cooked()
		stopSelf(by)
	}
	s.resume()
}

// resume is called when escenv goes on, or may have come to the foreground or
// left it.
func (s *session) resume() {
	front := foreground(s.user)
	if front {
		s.raw()
		resize(s.master, s.user)
	} else {
		s.saved = nil // the shell has set it since
		s.keyboard.set(false)
	}
	if s.stopped || front != s.granted {
		s.stopped, s.granted = false, front
		_ = s.link.give(order{Signal: syscall.SIGCONT, Foreground: front})
	}
}

// raw lets every key through to the pty. That has modes of its own, which at
// first are the terminal's: not before escenv is in the foreground, since until
// then they are what a shell edits its line with.
func (s *session) raw() {
	if !s.copied {
		copyModes(s.master, s.user)
		s.copied = true
	}
	saved, err := term.MakeRaw(int(s.user.Fd()))
	if err == nil && s.saved == nil {
		s.saved = saved
	}
	s.keyboard.set(true)
}

// cooked sets the user's terminal as it was.
func (s *session) cooked() {
	s.keyboard.set(false)
	if s.saved != nil {
		_ = term.Restore(int(s.user.Fd()), s.saved)
		s.saved = nil
	}
}

// ended carries what is left of the output when the monitor is gone, so that
// nothing but what the command left behind holds the pty.
func (s *session) ended(ws syscall.WaitStatus) Status {
	_, _ = s.monitor.Wait()
	for _, p := range s.pumps {
		p.drain()
	}
	return statusOf(ws)
}

// close sets the terminal back and hangs up whatever still uses the pty.
func (s *session) close() {
	s.cooked()
	s.link.file.Close()
	s.master.Close()
}
