package agent

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// errForeign says that a process is another user's.
var errForeign = errors.New("the process is another user's")

// FindProcess returns the process with that id, if it is this user's.
func FindProcess(pid int) (Process, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	switch {
	case err != nil:
		return nil, os.NewSyscallError("sysctl", err)
	case int(info.Eproc.Ucred.Uid) != os.Geteuid():
		return nil, errForeign
	}
	return process{pid, info.Proc.P_starttime}, nil
}

// A process is known by its id and when it started: ids are used again.
type process struct {
	pid     int
	started unix.Timeval
}

// Alive reports whether the process still runs.
func (p process) Alive() bool {
	const zombie = 5
	info, err := unix.SysctlKinfoProc("kern.proc.pid", p.pid)
	return err == nil && info.Proc.P_starttime == p.started && info.Proc.P_stat != zombie
}

// Await knows nothing.
func (p process) Await() bool { return false }

// Close does nothing.
func (p process) Close() error { return nil }
