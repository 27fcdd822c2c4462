package agent

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// errForeign says that a process is another user's.
var errForeign = errors.New("the process is another user's")

// FindProcess returns the process with that id, if it is this user's.
func FindProcess(pid int) (Process, error) {
	if pid <= 0 {
		return nil, unix.ESRCH
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	p := &process{pid: pid, fd: -1} // an old kernel, or a sandbox
	if err == nil {
		p.fd, p.file = fd, pollable(fd)
	}
	if err := p.identify(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// A process is known by its descriptor or, where there is none to be had, by
// its id and when it started: ids are used again.
type process struct {
	pid     int
	fd      int      // -1 for none
	file    *os.File // of fd
	started uint64
}

// pollable makes a file of a descriptor that Go's runtime can wait for.
func pollable(fd int) *os.File {
	_ = unix.SetNonblock(fd, true) // else Await knows nothing
	return os.NewFile(uintptr(fd), "pidfd")
}

// identify makes sure of whose process it is. What has a descriptor cannot
// become another meanwhile.
func (p *process) identify() error {
	uid, err := uidOf(p.pid)
	switch {
	case err != nil:
		return err
	case uid != os.Geteuid():
		return errForeign
	}
	if p.fd >= 0 {
		return p.poll()
	}
	p.started, err = startOf(p.pid)
	return err
}

// Alive reports whether the process still runs.
func (p *process) Alive() bool {
	if p.fd >= 0 {
		return p.poll() == nil
	}
	started, err := startOf(p.pid)
	return err == nil && started == p.started
}

// poll fails if the process has ended: its descriptor can be read then.
func (p *process) poll() error {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	if n > 0 {
		return unix.ESRCH
	}
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	return err
}

// Await takes no thread: the descriptor can be read when the process has ended.
func (p *process) Await() bool {
	if p.fd < 0 {
		return false
	}
	conn, err := p.file.SyscallConn()
	if err != nil {
		return false
	}
	return conn.Read(func(uintptr) bool { return p.poll() != nil }) == nil
}

// Close frees the descriptor, and ends Await.
func (p *process) Close() error {
	if p.fd < 0 {
		return nil
	}
	return p.file.Close()
}

// uidOf returns whose process it is, the effective user.
func uidOf(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(text, []byte("\nUid:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	uids := bytes.Fields(line) // real, effective, saved, file system
	if len(uids) < 2 {
		return 0, unix.ESRCH
	}
	return strconv.Atoi(string(uids[1]))
}

// startOf returns when a process started, in ticks since the computer did. A
// process that has ended and waits to be reaped is none.
func startOf(pid int) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	behind := bytes.LastIndexByte(text, ')') + 1 // the name, which may hold anything
	fields := bytes.Fields(text[behind:])        // from the third on: state, ...
	const start = 22 - 3
	if len(fields) <= start || fields[0][0] == 'Z' {
		return 0, unix.ESRCH
	}
	return strconv.ParseUint(string(fields[start]), 10, 64)
}
