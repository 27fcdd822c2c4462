package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Pty runs the command on a terminal of its own and carries between that and
// the user's, masking what the command writes. Of the command's streams those
// that are terminals here are on it, and Stdout whatever it is. When ctx ends,
// so does the command, as with Child. A *StartError says that it did not start.
//
// The user's terminal is escenv's to set only while escenv is in its
// foreground. It is set back whenever the command stops or ends, and by the
// monitor if escenv is killed. If Stdin or Stdout is no terminal escenv is one
// of several that share the user's, and leaves it alone until the command asks
// for it.
func (c *Command) Pty(ctx context.Context) (Status, error) {
	path, err := c.lookPath()
	if err != nil {
		return Status{}, err
	}
	s := &session{asked: isTerminal(c.Stdin) && isTerminal(c.Stdout)}
	stop := func() {}
	defer func() { stop() }() // not before the terminal is as it was
	defer s.close()
	if err := s.open(c); err != nil {
		return Status{}, fmt.Errorf("opening a terminal: %w", err)
	}
	// While the monitor starts, and before the terminal is touched.
	s.caught, stop = catch(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
		syscall.SIGALRM, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGWINCH)
	endings, callOff := endings(ctx)
	defer callOff()
	if err := s.start(path, c); err != nil {
		return Status{}, err
	}
	status, err := s.follow(endings)
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		err = &StartError{c.Args[0], errno}
	}
	return status, err
}

// open opens the pty and starts the monitor on it.
func (s *session) open(c *Command) error {
	s.findUser(c)
	master, slave, err := openPty(s.user)
	if err != nil {
		return err
	}
	defer slave.Close()
	s.master = master
	s.pumps = append(s.pumps, startPump(master, c.Stdout, c.Secrets, true))
	files := []*os.File{c.Stdin, slave, slave}
	if isTerminal(c.Stdin) {
		files[0] = slave
	}
	if !isTerminal(c.Stderr) && !sameFile(c.Stdout, c.Stderr) {
		if files[2], err = s.openStderr(c); err != nil {
			return err
		}
		if files[2] != c.Stderr {
			defer files[2].Close()
		}
	}
	if s.user != nil {
		if s.keyboard, err = startKeyboard(s.user, s.control, master); err != nil {
			return err
		}
	}
	return s.startMonitor(c, files, slave)
}

// findUser finds the terminal that somebody sits at, if there is one.
func (s *session) findUser(c *Command) {
	s.control = openControlling()
	switch {
	case isTerminal(c.Stdin):
		s.user = c.Stdin
	case s.control != nil:
		s.user = s.control
	case isTerminal(c.Stdout):
		s.user = c.Stdout
	}
}

// openStderr opens what carries a stderr that is not on the pty.
func (s *session) openStderr(c *Command) (*os.File, error) {
	if c.Secrets == nil {
		return c.Stderr, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.pumps = append(s.pumps, startPump(r, c.Stderr, c.Secrets, false))
	return w, nil
}

// startMonitor starts the monitor, which gets some files under the numbers they have here, so that
// none the caller opened for the command is in their way. With the master among them the pty is not
// hung up before the monitor has done what is to be done when escenv is killed.
func (s *session) startMonitor(c *Command, files []*os.File, slave *os.File) error {
	link, other, err := newLinkPair()
	if err != nil {
		return err
	}
	defer other.Close()
	s.link = link
	user := slave
	if s.user != nil {
		user = s.user
	}
	args := []string{monitorName}
	for _, fd := range []int{int(other.Fd()), int(user.Fd()), int(slave.Fd()), descriptor(s.master)} {
		fd, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD, 3)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		args = append(args, strconv.Itoa(fd))
	}
	attr := &syscall.ProcAttr{Env: monitorEnviron(c.Env), Sys: &syscall.SysProcAttr{Setsid: true}}
	for _, f := range files {
		attr.Files = append(attr.Files, f.Fd())
	}
	s.monitor, err = spawn(c.Self, args, attr)
	return err
}

// monitorEnviron returns what the monitor's Go runtime may know: what the
// command's would, and that the monitor mostly waits, which takes few threads.
func monitorEnviron(environ []string) []string {
	own := []string{"GOMAXPROCS=1"} // the first of several counts
	for _, entry := range environ {
		if strings.HasPrefix(entry, "GO") {
			own = append(own, entry)
		}
	}
	return own
}

// start sets the user's terminal and has the monitor start the command.
func (s *session) start(path string, c *Command) error {
	s.granted = s.user == nil || s.asked && foreground(s.user)
	if s.granted {
		s.raw()
	}
	if err := s.link.give(order{start: &start{path, c.Args, c.Env}, foreground: s.granted}); err != nil {
		return fmt.Errorf("starting on a terminal: %w", err)
	}
	return nil
}
