package agent

import "golang.org/x/sys/unix"

// Harden keeps other processes of the same user from reading this one's memory
// and environment, and the kernel from writing them to a core file. Call it
// before anything secret is in memory.
func Harden() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}
