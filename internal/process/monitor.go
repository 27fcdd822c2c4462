package process

import (
	"errors"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// monitorName is what the monitor calls itself, and is known by.
const monitorName = "escenv: terminal monitor"

// MonitorMain runs the monitor of a pty if that is what args, which are
// os.Args, ask for; then ok is true and status what to exit with. Every
// program that calls Command.Pty calls it first of all.
//
// The monitor leads the session of the pty and is the command's parent in it:
// a process group without a parent elsewhere in its session could not be
// stopped by ^Z. If escenv is killed the monitor hangs up the command and
// restores the user's terminal.
func MonitorMain(args []string) (status int, ok bool) {
	if len(args) != 5 || args[0] != monitorName {
		return 0, false
	}
	var fds [4]int // of the link, the user's terminal, the pty and its master
	for i, text := range args[1:] {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return exitCannotExecute, true
		}
		unix.CloseOnExec(n) // not the command's
		fds[i] = n
	}
	m := &monitor{link: &link{os.NewFile(uintptr(fds[0]), "escenv")}, user: fds[1], tty: fds[2]}
	return m.run(), true
}

// A monitor is what a Go program has of least: its start is a good part of a
// short command's time.
type monitor struct {
	link    *link
	tty     int // the pty
	user    int // the user's terminal
	command int // its process

	mu    sync.Mutex
	modes *[2]modes // of the user's terminal, as it was and as escenv set it; nil while it has not
}

func (m *monitor) run() int {
	if unix.IoctlSetInt(m.tty, unix.TIOCSCTTY, 0) != nil {
		return exitCannotExecute
	}
	o, err := m.link.nextOrder()
	for err == nil && o.start == nil {
		m.obey(o)
		o, err = m.link.nextOrder()
	}
	if err != nil {
		m.restore()
		return exitCannotExecute
	}
	if err := m.start(o); err != nil {
		errno, _ := errors.AsType[syscall.Errno](err)
		_ = m.link.report(report{errno: errno})
		return exitCannotExecute
	}
	_ = m.link.report(report{})
	done := make(chan struct{}, 2)
	go func() { m.listen(); done <- struct{}{} }()
	go func() { await(m.command, m.tell); done <- struct{}{} }()
	<-done
	return 0
}

func (m *monitor) start(o order) (err error) {
	attr := &syscall.ProcAttr{
		Env:   o.start.env,
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Foreground: o.foreground, Ctty: m.tty},
	}
	err = launch(o.start.path, o.start.args, func(path string, args []string) (err error) {
		m.command, err = syscall.ForkExec(path, args, attr)
		return err
	})
	// Not before: the command would ignore them, too. From now on the monitor may
	// be in the background of its own terminal.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGTSTP,
		syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2)
	return err
}

// listen does what it is told until escenv ends.
func (m *monitor) listen() {
	for {
		o, err := m.link.nextOrder()
		if err != nil {
			m.abandoned()
			return
		}
		m.obey(o)
	}
}

func (m *monitor) obey(o order) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o.modes != nil {
		m.modes = o.modes
		return
	}
	if o.signal == syscall.SIGCONT {
		group := unix.Getpgrp()
		if o.foreground {
			group = m.command
		}
		_ = setForeground(m.tty, group)
	}
	if m.command > 0 {
		_ = unix.Kill(-m.command, o.signal)
	}
}

// tell reports what has become of the command. If it has ended the monitor
// takes the terminal back, since whatever group has it is hung up when the
// leader of its session ends, and the command may have left jobs behind.
func (m *monitor) tell(ws syscall.WaitStatus) {
	if !ws.Stopped() {
		_ = setForeground(m.tty, unix.Getpgrp())
	}
	if m.link.report(report{status: ws}) != nil {
		m.restore()
	}
}

// abandoned does for a killed escenv what a terminal and a shell would.
func (m *monitor) abandoned() {
	m.restore()
	groups := []int{m.command}
	if front, err := unix.IoctlGetInt(m.tty, unix.TIOCGPGRP); err == nil && front > 1 && front != unix.Getpgrp() {
		groups = append(groups, front)
	}
	for _, group := range groups {
		_ = unix.Kill(-group, syscall.SIGHUP)
		_ = unix.Kill(-group, syscall.SIGCONT)
	}
}

// restore sets the user's terminal as it was before escenv, unless somebody
// else has set it meanwhile.
func (m *monitor) restore() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.modes == nil {
		return
	}
	if now, err := unix.IoctlGetTermios(m.user, getModes); err == nil && *now == m.modes[1] {
		_ = unix.IoctlSetTermios(m.user, putModes, &m.modes[0])
	}
}
