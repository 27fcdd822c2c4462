// Package proc tells one process from another that later gets its id.
package proc

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// zombie is the state of a process that has ended and was not waited for.
const zombie = 5

// Started says when a process began, as "SECONDS.MICROSECONDS". It is an error
// if the process has ended.
func Started(pid int) (string, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	switch {
	case errors.Is(err, unix.EIO): // what the library says of an empty answer
		return "", unix.ESRCH
	case err != nil:
		return "", err
	case int(info.Proc.P_pid) != pid || info.Proc.P_stat == zombie:
		return "", unix.ESRCH
	}
	began := info.Proc.P_starttime
	return fmt.Sprintf("%d.%d", began.Sec, began.Usec), nil
}

// Visible reports whether started is something Started returns.
func Visible(started string) bool { return strings.Count(started, ".") == 1 }
