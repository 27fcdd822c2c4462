package process

import (
	"errors"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
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
	if len(args) != 4 || args[0] != monitorName {
		return 0, false
	}
	m := &monitor{}
	var fd int
	for i, fd := range []*int{&fd, &m.user, &m.tty} {
		n, err := strconv.Atoi(args[1+i])
		if err != nil || n < 0 {
			return exitCannotExecute, true
		}
		unix.CloseOnExec(n) // not the command's
		*fd = n
	}
	m.link = &link{os.NewFile(uintptr(fd), "escenv")}
	return m.run(), true
}

type monitor struct {
	link  *link
	tty   int         // the pty
	user  int         // the user's terminal
	saved *term.State // how it was,
	raw   *term.State // and how escenv set it

	command *child
}

func (m *monitor) run() int {
	_, stop := catch(syscall.SIGHUP) // not ignored: the command would ignore it, too
	defer stop()
	m.saved, _ = term.GetState(m.user)
	if unix.IoctlSetInt(m.tty, unix.TIOCSCTTY, 0) != nil || m.link.report(report{}) != nil {
		return exitCannotExecute
	}
	o, err := m.link.nextOrder()
	if err != nil || o.start == nil {
		m.restore()
		return exitCannotExecute
	}
	m.raw, _ = term.GetState(m.user)
	if err := m.start(o); err != nil {
		errno, _ := errors.AsType[syscall.Errno](err)
		_ = m.link.report(report{errno: errno})
		return exitCannotExecute
	}
	m.serve()
	return 0
}

func (m *monitor) start(o order) (err error) {
	m.command, err = spawn(o.start.path, o.start.args, &syscall.ProcAttr{
		Env:   o.start.env,
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Foreground: o.foreground, Ctty: m.tty},
	})
	// Not before, for the same reason. From now on the monitor may be in the
	// background of its own terminal.
	signal.Ignore(syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGTSTP,
		syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2)
	return err
}

// serve follows orders and reports until the command ends or escenv does.
func (m *monitor) serve() {
	orders := each(m.link.nextOrder)
	for {
		select {
		case o, ok := <-orders:
			if !ok {
				m.abandoned()
				return
			}
			m.obey(o)
		case ws := <-m.command.events:
			if !ws.Stopped() {
				m.ended(ws)
				return
			}
			_ = m.link.report(report{status: ws})
		}
	}
}

func (m *monitor) obey(o order) {
	if o.signal == syscall.SIGCONT {
		group := unix.Getpgrp()
		if o.foreground {
			group = m.command.pid
			m.raw, _ = term.GetState(m.user)
		}
		_ = setForeground(m.tty, group)
	}
	_ = unix.Kill(-m.command.pid, o.signal)
}

// ended takes the terminal back, since whatever group has it is hung up when
// the leader of its session ends, and the command may have left jobs behind.
func (m *monitor) ended(ws syscall.WaitStatus) {
	_ = setForeground(m.tty, unix.Getpgrp())
	_ = m.link.report(report{status: ws})
}

// abandoned does for a killed escenv what a terminal and a shell would.
func (m *monitor) abandoned() {
	m.restore()
	groups := []int{m.command.pid}
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
	if m.saved == nil || m.raw == nil {
		return
	}
	if now, err := term.GetState(m.user); err == nil && *now == *m.raw {
		_ = term.Restore(m.user, m.saved)
	}
}
