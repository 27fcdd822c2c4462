package process

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// byDefault calls f with s while s does what it does in any program. Package
// signal cannot bring that about: the Go runtime keeps a handler that prints
// the goroutines, or does nothing.
func byDefault(s syscall.Signal, f func(syscall.Signal)) {
	var before, standard sigaction // of zeros is SIG_DFL
	if setAction(s, &standard, &before) == 0 {
		defer func() { _ = setAction(s, &before, nil) }()
	}
	f(s)
}

// sigaction is at least as large as the kernel's structure.
type sigaction [8]uint64

func setAction(s syscall.Signal, to, before *sigaction) syscall.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s),
		uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(before)), 8, 0, 0)
	return errno
}

// followUs makes a command started from this thread die when it does: nothing
// else would tell it of a SIGKILL to escenv.
func followUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// stopWith stops this process unless a child that had stopped has gone on or
// ended since. Nothing of the runtime's comes between the two: this process might
// be stopped and continued there, and would then stop once more.
func stopWith(child int) {
	self := os.Getpid()
	var since unix.Siginfo
	_, _, errno := unix.RawSyscall6(unix.SYS_WAITID, unix.P_PID, uintptr(child), uintptr(unsafe.Pointer(&since)),
		unix.WCONTINUED|unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, 0, 0)
	if errno == 0 && since.Signo == 0 {
		_, _, _ = unix.RawSyscall(unix.SYS_KILL, uintptr(self), uintptr(unix.SIGSTOP), 0)
	}
}
