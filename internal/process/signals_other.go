//go:build !linux

package process

import (
	"os"
	"os/signal"
	"syscall"
)

// byDefault calls f with a signal that does what s does in any program. Where
// the Go runtime keeps its handler, nothing else is as good: f gets SIGSTOP for
// a stop, and is not called for the others.
func byDefault(s syscall.Signal, f func(syscall.Signal)) {
	switch s {
	case syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU:
		f(syscall.SIGSTOP)
	case syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM:
		signal.Reset(s)
		f(s)
	case syscall.SIGKILL, syscall.SIGSTOP:
		f(s)
	}
}

func followUs(*syscall.SysProcAttr) {}

func stopWith(int) { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }
