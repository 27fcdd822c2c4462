package process

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A keyboard carries what is typed to the pty, while it is escenv's to read.
type keyboard struct {
	from *os.File
	to   *os.File
	wake *os.File // its other end makes the reader look at active again
	ring *os.File

	mu     sync.Mutex
	active bool
}

// startKeyboard carries from user, or control if that is the same terminal.
// Reading from that does not wait if somebody else was faster.
func startKeyboard(user, control, to *os.File) (*keyboard, error) {
	wake, ring, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	k := &keyboard{from: user, to: to, wake: wake, ring: ring}
	if control != nil && controls(user) && canPoll(control) {
		k.from = control
	}
	go k.run(int(k.from.Fd()), int(wake.Fd()))
	return k, nil
}

// canPoll reports whether the system can wait for terminal.
func canPoll(terminal *os.File) bool {
	fds := []unix.PollFd{{Fd: int32(terminal.Fd()), Events: unix.POLLIN}}
	_, err := unix.Poll(fds, 0)
	return err == nil && fds[0].Revents&unix.POLLNVAL == 0
}

// set lets the keyboard be read, or not: when it returns nothing is being
// read any more.
func (k *keyboard) set(active bool) {
	if k == nil {
		return // nobody sits there
	}
	k.mu.Lock()
	k.active = active
	k.mu.Unlock()
	_, _ = k.ring.Write([]byte{0})
}

func (k *keyboard) run(from, wake int) {
	buf := make([]byte, 4<<10)
	for {
		if !k.await(from, wake) {
			continue
		}
		n, ended := k.read(from, buf)
		if _, err := k.to.Write(buf[:n]); err != nil || ended {
			return
		}
	}
}

// await waits until something is typed or the keyboard is set, and reports
// whether it was typed.
func (k *keyboard) await(from, wake int) bool {
	fds := []unix.PollFd{{Fd: int32(wake), Events: unix.POLLIN}, {Fd: int32(from), Events: unix.POLLIN}}
	if !k.isActive() {
		fds = fds[:1]
	}
	if _, err := unix.Poll(fds, -1); err != nil {
		return false
	}
	if fds[0].Revents != 0 {
		_, _ = unix.Read(wake, make([]byte, 64))
		return false
	}
	return true
}

func (k *keyboard) isActive() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.active
}

// read reads what is there. It ends if the terminal is gone.
func (k *keyboard) read(from int, buf []byte) (n int, ended bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.active {
		return 0, false
	}
	n, err := unix.Read(from, buf)
	if err == unix.EINTR || err == unix.EAGAIN {
		return 0, false
	}
	return max(n, 0), n <= 0
}
