package process

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A relay hands on what happens to this process to a command that shares its
// terminal and, if there is a terminal, its process group.
type relay struct {
	terminal *os.File // the controlling terminal, nil if there is none
	out      *outputs
	pid      int
}

func (r *relay) signals() []os.Signal {
	return []os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGWINCH,
	}
}

// follow hands on signals until the command ends.
func (r *relay) follow(caught *signals, endings <-chan syscall.Signal) Status {
	events := watch(r.pid)
	for {
		select {
		case s := <-caught.rare:
			r.pass(s.(syscall.Signal))
		case <-caught.resizes:
			r.pass(syscall.SIGWINCH)
		case s := <-endings:
			r.send(s)
		case ws := <-events:
			if !ws.Stopped() {
				return statusOf(ws)
			}
			r.stopped(ws.StopSignal())
		}
	}
}

// pass sends s to the command, unless the terminal has.
func (r *relay) pass(s syscall.Signal) {
	typed := s == syscall.SIGINT || s == syscall.SIGQUIT || s == syscall.SIGTSTP
	switch {
	case s == syscall.SIGPIPE: // ours: the pump notices
	case typed && foreground(r.terminal):
	case s == syscall.SIGWINCH && r.terminal != nil:
		r.out.resize(r.pid)
	default:
		r.send(s)
	}
}

func (r *relay) send(s syscall.Signal) {
	to := r.pid
	if r.terminal == nil {
		to = -r.pid
	}
	_ = unix.Kill(to, s)
}

// stopped stops this process as well, for the shell that waits for it to
// notice. Without a terminal no shell does.
func (r *relay) stopped(s syscall.Signal) {
	if r.terminal == nil || !isStop(s) && s != syscall.SIGSTOP {
		return
	}
	_ = unix.Kill(os.Getpid(), syscall.SIGSTOP)
}

// watch waits for the process and tells when it stops and when it ends. The
// first process of a container has children it never started, and waits for
// them, too.
func watch(pid int) <-chan syscall.WaitStatus {
	events := make(chan syscall.WaitStatus)
	whom := pid
	if os.Getpid() == 1 {
		whom = -1
	}
	go func() {
		for {
			var ws syscall.WaitStatus
			who, err := syscall.Wait4(whom, &ws, syscall.WUNTRACED, nil)
			if err == syscall.EINTR || err == nil && who != pid {
				continue
			}
			if err != nil {
				ws = 255 << 8 // nobody's child: it ended, who knows how
			}
			events <- ws
			if !ws.Stopped() {
				return
			}
		}
	}()
	return events
}
