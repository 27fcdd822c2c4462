package process

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// signals are those that were caught. However many resizes there are, none of
// the others is lost to them.
type signals struct {
	rare    chan os.Signal
	resizes chan os.Signal
}

// catch returns those of the given signals that this process was not told to
// ignore when it was started, as nohup(1) and a shell's & do, and a function
// that ends it.
//
// Caught signals have their default action again in a command started
// meanwhile; ignored ones would stay ignored there.
func catch(wanted ...os.Signal) (caught *signals, stop func()) {
	caught = &signals{rare: make(chan os.Signal, 64), resizes: make(chan os.Signal, 1)}
	for _, s := range wanted {
		switch {
		case signal.Ignored(s):
		case s == syscall.SIGWINCH:
			signal.Notify(caught.resizes, s)
		default:
			signal.Notify(caught.rare, s)
		}
	}
	return caught, func() {
		signal.Stop(caught.rare)
		signal.Stop(caught.resizes)
	}
}

// Grace is how long a command that is told to end may take.
const Grace = 10 * time.Second

// endings returns what to send a command when ctx ends, and a function that
// calls it off.
func endings(ctx context.Context) (signals <-chan syscall.Signal, stop func() bool) {
	ends := make(chan syscall.Signal, 3)
	return ends, context.AfterFunc(ctx, func() {
		ends <- syscall.SIGTERM
		ends <- syscall.SIGCONT // one that is stopped would not hear it
		time.AfterFunc(Grace, func() { ends <- syscall.SIGKILL })
	})
}

// Die ends this process by the signal that killed the command, so that
// whoever waits for it sees the same. It returns if that cannot be.
func Die(s syscall.Signal) {
	noCore := unix.Rlimit{}
	if s == 0 || os.Getpid() == 1 || unix.Setrlimit(unix.RLIMIT_CORE, &noCore) != nil {
		return // the kernel spares the first process of a container
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
		case <-goes.rare:
		case <-time.After(100 * time.Millisecond):
		}
	})
}
