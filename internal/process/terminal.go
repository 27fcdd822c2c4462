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

// openControlling opens the controlling terminal; nil if there is none. It is
// opened anew, so that nobody else notices that reading does not wait.
func openControlling() *os.File {
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), "/dev/tty")
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

// controls reports whether terminal is the controlling terminal.
func controls(terminal *os.File) bool {
	_, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == nil
}

// setForeground makes what is typed on the terminal fd for the process group.
func setForeground(fd, group int) error {
	return unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, group)
}

// openPty opens a terminal of the size of user, if there is one. Its master is
// known to the runtime's poller.
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

// resize gives the pty the size of user, or that of terminals of old.
func resize(master, user *os.File) {
	size, err := &unix.Winsize{Row: 24, Col: 80}, error(nil)
	if user != nil {
		size, err = unix.IoctlGetWinsize(int(user.Fd()), unix.TIOCGWINSZ)
	}
	if err == nil {
		control(master, func(fd int) { _ = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size) })
	}
}

// copyModes sets the pty as user is.
func copyModes(master, user *os.File) {
	if as, err := modesOf(user); err == nil {
		control(master, func(fd int) { _ = unix.IoctlSetTermios(fd, putModes, as) })
	}
}

// modes is what a terminal does with what is typed and shown.
type modes = unix.Termios

func modesOf(terminal *os.File) (*modes, error) {
	return unix.IoctlGetTermios(int(terminal.Fd()), getModes)
}

func setModes(terminal *os.File, to *modes) error {
	return unix.IoctlSetTermios(int(terminal.Fd()), putModes, to)
}

// rawModes returns m without anything between keys, screen and program, as
// cfmakeraw(3) does.
func rawModes(m modes) modes {
	m.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	m.Oflag &^= unix.OPOST
	m.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	m.Cflag &^= unix.CSIZE | unix.PARENB
	m.Cflag |= unix.CS8
	m.Cc[unix.VMIN], m.Cc[unix.VTIME] = 1, 0
	return m
}

// control calls f with the descriptor of master, which File.Fd would make
// block.
func control(master *os.File, f func(fd int)) {
	if raw, err := master.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}

// descriptor returns that of master, without making it block.
func descriptor(master *os.File) (fd int) {
	control(master, func(n int) { fd = n })
	return fd
}
