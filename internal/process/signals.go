package process

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// catch returns a channel of those signals that this process was not told to
// ignore when it was started, as nohup(1) and a shell's & do, and a function
// that ends it.
//
// Caught signals have their default action again in a command started
// meanwhile; ignored ones would stay ignored there.
func catch(signals ...os.Signal) (caught chan os.Signal, stop func()) {
	caught = make(chan os.Signal, 16)
	for _, s := range signals {
		if !signal.Ignored(s) {
			signal.Notify(caught, s)
		}
	}
	return caught, func() { signal.Stop(caught) }
}

// Die ends this process by the signal that killed the command, so that
// whoever waits for it sees the same. It returns if that cannot be.
func Die(s syscall.Signal) {
	noCore := unix.Rlimit{}
	if s == 0 || unix.Setrlimit(unix.RLIMIT_CORE, &noCore) != nil {
		return
	}
	byDefault(s, func(s syscall.Signal) {
		_ = unix.Kill(os.Getpid(), s)
		<-time.After(time.Second) // another thread may be the one to take it
	})
}

// isStop reports whether s is a stop that job control asks for.
func isStop(s os.Signal) bool {
	return s == syscall.SIGTSTP || s == syscall.SIGTTIN || s == syscall.SIGTTOU
}

// stopSelf stops this process group by s, for the shell that waits for it to
// notice, and returns when it goes on. The kernel does not stop a group that
// no shell waits for; then nothing will be heard.
func stopSelf(s syscall.Signal) {
	goes, stop := catch(syscall.SIGCONT)
	defer stop()
	byDefault(s, func(s syscall.Signal) {
		_ = unix.Kill(0, s)
		select {
		case <-goes:
		case <-time.After(100 * time.Millisecond):
		}
	})
}
