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

// LockMemory keeps all of this process's memory out of swap, and reports
// whether it does. It takes all or nothing: secrets are copied wherever Go likes.
// Pages are locked as they are used, so they cost no more than without.
//
// Go sets aside a thousand times more addresses than it uses, and a lock counts
// those. Where the limit (ulimit -l) is less than unlimited, 8 MiB mostly, it
// would end the process sooner or later: then nothing is locked.
func LockMemory() bool {
	if !mayLock() {
		return false
	}
	return unix.Mlockall(unix.MCL_CURRENT|unix.MCL_FUTURE|unix.MCL_ONFAULT) == nil
}

// mayLock reports whether any amount of memory may be locked.
func mayLock() bool {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return false
	}
	if limit.Max == unix.RLIM_INFINITY {
		limit.Cur = limit.Max
		return unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	err := unix.Capget(&header, &caps[0])
	return err == nil && caps[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}
