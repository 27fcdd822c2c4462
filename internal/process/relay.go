package process

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A relay hands on what happens to this process to a command that shares its
// terminal and, if there is a terminal, its process group.
type relay struct {
	terminal *os.File // the controlling terminal, nil if there is none
	out      *outputs
	child    *child
	asked    bool // to stop, since the command last did
	owed     bool // what asked the command to stop was sent to this process as well, and is on its way
}

func (r *relay) signals() []os.Signal {
	all := []os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTSTP,
	}
	if r.terminal == nil {
		all = append(all, syscall.SIGCONT) // a terminal's shell continues both
	}
	if r.out.screens() {
		all = append(all, syscall.SIGWINCH)
	}
	return all
}

// follow hands on signals until the command ends.
func (r *relay) follow(caught *signals, endings <-chan syscall.Signal) Status {
	for {
		select {
		case s := <-caught.rare:
			r.pass(s.(syscall.Signal))
		case <-caught.resizes:
			r.pass(syscall.SIGWINCH)
		case s := <-endings:
			r.send(s)
		case ws := <-r.child.events:
			if !ws.Stopped() {
				return statusOf(ws)
			}
			r.stopped(ws.StopSignal(), caught)
		}
	}
}

// pass sends s to the command, unless it has it already: from the terminal, or
// from whoever stopped the whole group.
func (r *relay) pass(s syscall.Signal) {
	typed := s == syscall.SIGINT || s == syscall.SIGQUIT || s == syscall.SIGTSTP
	if s == syscall.SIGTSTP {
		if r.owed { // the command may go on by now, and must not stop again
			r.owed = false
			return
		}
		r.asked = true
	}
	switch {
	case s == syscall.SIGPIPE: // ours: the pump notices
	case typed && foreground(r.terminal):
	case s == syscall.SIGWINCH:
		r.out.resize(r.child.pid)
	default:
		r.send(s)
	}
}

func (r *relay) send(s syscall.Signal) {
	to := r.child.pid
	if r.terminal == nil {
		to = -to
	}
	_ = unix.Kill(to, s)
}

// stopped stops this process as well, for the shell that waits for it to
// notice. Without a terminal no shell does.
func (r *relay) stopped(s syscall.Signal, caught *signals) {
	if r.terminal == nil || !isStop(s) && s != syscall.SIGSTOP {
		return
	}
	r.owed = s == syscall.SIGTSTP && !r.asked
	if !r.asked {
		r.linger(caught)
	}
	r.asked = false
	stopWith(r.child.pid)
}

// linger gives what stops the whole group, as SIGTTIN and kill -STOP %1 do, and
// ^Z before it is caught, time to stop this process as well. It goes on when it
// has been continued, and then so has the command.
func (r *relay) linger(caught *signals) {
	for moment := time.After(10 * time.Millisecond); ; {
		select {
		case s := <-caught.rare:
			r.pass(s.(syscall.Signal))
		case <-moment:
			return
		}
	}
}
