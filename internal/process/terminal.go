package process

import (
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return isTerminal(f) }

// openControlling opens the controlling terminal; nil if there is none.
func openControlling() *os.File {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	return f
}

// foreground reports whether what is typed on terminal is for this process
// group: so it is if the terminal controls other processes, or none.
func foreground(terminal *os.File) bool {
	if terminal == nil {
		return false
	}
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == unix.ENOTTY || err == nil && group == unix.Getpgrp()
}

// setForeground makes what is typed on the terminal fd for the process group.
func setForeground(fd, group int) error {
	return unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, group)
}

// openPty opens a terminal of the size of user. Its master is known to the
// runtime's poller.
func openPty(user *os.File) (master, slave *os.File, err error) {
	blocking, slave, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer blocking.Close()
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		slave.Close()
		return nil, nil, err
	}
	master = os.NewFile(uintptr(fd), blocking.Name())
	resize(master, user)
	return master, slave, nil
}

// resize gives the pty the size of user.
func resize(master, user *os.File) {
	if size, err := unix.IoctlGetWinsize(int(user.Fd()), unix.TIOCGWINSZ); err == nil {
		control(master, func(fd int) { _ = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size) })
	}
}

// copyModes sets the pty as user is.
func copyModes(master, user *os.File) {
	if modes, err := term.GetState(int(user.Fd())); err == nil {
		control(master, func(fd int) { _ = term.Restore(fd, modes) })
	}
}

// control calls f with the descriptor of master, which File.Fd would make
// block.
func control(master *os.File, f func(fd int)) {
	if raw, err := master.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}
