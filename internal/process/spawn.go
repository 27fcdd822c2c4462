package process

import (
	"os"
	"runtime"
	"syscall"
)

// A child is a process that this one started and waits for.
type child struct {
	pid    int
	events <-chan syscall.WaitStatus // each time it stops, and when it ends
}

// spawn starts a process.
func spawn(path string, args []string, attr *syscall.ProcAttr) (*child, error) {
	pid, err := syscall.ForkExec(path, args, attr)
	if err != nil {
		return nil, err
	}
	events := make(chan syscall.WaitStatus)
	go await(pid, func(ws syscall.WaitStatus) { events <- ws })
	return &child{pid, events}, nil
}

// spawnBound starts a process from the thread that waits for it, since the two
// are bound to each other: see followUs.
func spawnBound(path string, args []string, attr *syscall.ProcAttr) (*child, error) {
	events := make(chan syscall.WaitStatus)
	c := &child{events: events}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		var err error
		c.pid, err = syscall.ForkExec(path, args, attr)
		started <- err
		if err == nil {
			await(c.pid, func(ws syscall.WaitStatus) { events <- ws })
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// await waits for the process and tells when it stops and when it ends. The
// first process of a container has children it never started, and waits for
// them, too.
func await(pid int, tell func(syscall.WaitStatus)) {
	whom := pid
	if os.Getpid() == 1 {
		whom = -1
	}
	for {
		var ws syscall.WaitStatus
		who, err := syscall.Wait4(whom, &ws, syscall.WUNTRACED, nil)
		if err == syscall.EINTR || err == nil && who != pid {
			continue
		}
		if err != nil {
			ws = 255 << 8 // nobody's child: it ended, who knows how
		}
		tell(ws)
		if !ws.Stopped() {
			return
		}
	}
}
