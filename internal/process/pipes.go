package process

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Pipes runs the command with its output on pipes, and masks it. A
// *StartError says that it did not start, another error that output of a
// command that succeeded was lost.
func (c *Command) Pipes() (Status, error) {
	path, err := c.lookPath()
	if err != nil {
		return Status{}, err
	}
	out, err := c.openOutputs()
	if err != nil {
		return Status{}, err
	}
	r := &relay{terminal: openControlling()}
	defer r.terminal.Close()
	caught, stop := catch(r.signals()...)
	defer stop()
	runtime.LockOSThread() // see followUs
	defer runtime.UnlockOSThread()
	if r.pid, err = c.start(path, out.files, r.terminal == nil); err != nil {
		out.abandon()
		return Status{}, &StartError{c.Args[0], err}
	}
	out.pump(c)
	status := r.follow(caught)
	if err := out.drain(); err != nil && status.Code() == 0 {
		return status, fmt.Errorf("passing on what %s wrote: %w", c.Args[0], err)
	}
	return status, nil
}

// start starts the command, in a process group of its own if there is no
// terminal whose signals the group is to get.
func (c *Command) start(path string, files []*os.File, group bool) (int, error) {
	sys := &syscall.SysProcAttr{Setpgid: group}
	followUs(sys)
	attr := &syscall.ProcAttr{Env: c.Env, Sys: sys}
	for _, f := range append([]*os.File{c.Stdin}, files...) {
		attr.Files = append(attr.Files, f.Fd())
	}
	return syscall.ForkExec(path, c.Args, attr)
}

// outputs are a command's two streams of output.
type outputs struct {
	files []*os.File // the command's ends, stdout and stderr
	reads []*os.File // ours
	pumps []*pump
}

// openOutputs opens the pipes: one, if both streams go to the same place, so
// that the order in which the command writes is kept.
func (c *Command) openOutputs() (*outputs, error) {
	o := &outputs{}
	if err := o.open(); err != nil {
		return nil, err
	}
	if sameFile(c.Stdout, c.Stderr) {
		o.files = append(o.files, o.files[0])
		return o, nil
	}
	if err := o.open(); err != nil {
		o.abandon()
		return nil, err
	}
	return o, nil
}

func (o *outputs) open() error {
	r, w, err := os.Pipe()
	if err == nil {
		o.reads, o.files = append(o.reads, r), append(o.files, w)
	}
	return err
}

// pump begins to carry. The command alone holds the other ends now.
func (o *outputs) pump(c *Command) {
	for i, to := range []*os.File{c.Stdout, c.Stderr}[:len(o.reads)] {
		o.pumps = append(o.pumps, startPump(o.reads[i], to, c.Secrets, isTerminal(to)))
	}
	closeAll(o.files)
}

func (o *outputs) abandon() {
	closeAll(o.files)
	closeAll(o.reads)
}

// drain carries the rest. It returns what was lost on the way, unless nobody
// was reading any more: a command that has ended knows nothing of either.
func (o *outputs) drain() error {
	var lost error
	for _, p := range o.pumps {
		p.drain()
		if !errors.Is(p.failed, syscall.EPIPE) {
			lost = cmp.Or(lost, p.failed)
		}
	}
	return lost
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func sameFile(a, b *os.File) bool {
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}

// A relay hands on what happens to this process to a command that shares its
// terminal and, if there is a terminal, its process group.
type relay struct {
	terminal *os.File // the controlling terminal, nil if there is none
	pid      int
}

func (r *relay) signals() []os.Signal {
	signals := []os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTSTP, syscall.SIGCONT,
	}
	if r.terminal == nil {
		signals = append(signals, syscall.SIGWINCH)
	}
	return signals
}

// follow hands on signals until the command ends.
func (r *relay) follow(caught chan os.Signal) Status {
	events := watch(r.pid)
	for {
		select {
		case s := <-caught:
			r.pass(s.(syscall.Signal))
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
	if s == syscall.SIGPIPE || typed && foreground(r.terminal) { // the pump notices a broken pipe
		return
	}
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

// watch waits for the process and tells when it stops and when it ends.
func watch(pid int) <-chan syscall.WaitStatus {
	events := make(chan syscall.WaitStatus)
	go func() {
		for {
			var ws syscall.WaitStatus
			_, err := syscall.Wait4(pid, &ws, syscall.WUNTRACED, nil)
			if err == syscall.EINTR {
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
