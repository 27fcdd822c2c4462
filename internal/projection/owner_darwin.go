package projection

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// zombie is the state of a process that has ended and was not waited for.
const zombie = 5

// startOf says when a process began, as "SECONDS.MICROSECONDS". It is an error
// if the process has ended.
func startOf(pid int) (string, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	switch {
	case err != nil:
		return "", err
	case int(info.Proc.P_pid) != pid || info.Proc.P_stat == zombie:
		return "", unix.ESRCH
	}
	began := info.Proc.P_starttime
	return fmt.Sprintf("%d.%d", began.Sec, began.Usec), nil
}

// ours reports whether began is something startOf returns.
func ours(began string) bool { return strings.Count(began, ".") == 1 }
