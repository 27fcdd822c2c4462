package agent

import "golang.org/x/sys/unix"

// Harden keeps debuggers from attaching to this process, and the kernel from
// writing its memory to a core file. Call it before anything secret is in
// memory.
func Harden() error {
	if err := unix.PtraceDenyAttach(); err != nil {
		return err
	}
	return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}

// LockMemory would keep all of this process's memory out of swap. The system has
// no way to do that, and encrypts its swap.
func LockMemory() bool { return false }
