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
	typed    bool // ^Z was, since the command last stopped
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

// pass sends s to the command, unless the terminal has.
func (r *relay) pass(s syscall.Signal) {
	typed := s == syscall.SIGINT || s == syscall.SIGQUIT || s == syscall.SIGTSTP
	switch {
	case s == syscall.SIGPIPE: // ours: the pump notices
	case typed && foreground(r.terminal):
		r.typed = r.typed || s == syscall.SIGTSTP
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
	if s == syscall.SIGTSTP && !r.typed && foreground(r.terminal) {
		r.awaitKey(caught)
	}
	r.typed = false
	_ = unix.Kill(os.Getpid(), syscall.SIGSTOP)
}

// awaitKey waits for our own of the two signals that ^Z sends, if that is what
// stopped the command. Found only after bg, it would be passed on to a command
// that nobody stops any more.
func (r *relay) awaitKey(caught *signals) {
	late := time.After(100 * time.Millisecond)
	for !r.typed {
		select {
		case s := <-caught.rare:
			r.pass(s.(syscall.Signal))
		case <-late:
			return
		}
	}
}
