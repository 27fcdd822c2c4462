package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// ErrRunning says that another agent listens already.
var ErrRunning = errors.New("an agent is running already")

// maxPath is how long a socket's path may be: 107 bytes on Linux, 103 on macOS.
const maxPath = len(unix.RawSockaddrUnix{}.Path) - 1

// A Listener is a socket in a directory of this user's alone. It accepts
// nobody else.
type Listener struct {
	*net.UnixListener
	Path string
	file fs.FileInfo // of the socket that was bound
}

// Listen makes the directory and the socket, for this user only. However many
// start at once, one listens and the others get ErrRunning.
func Listen(path string) (*Listener, error) {
	if len(path) > maxPath {
		return nil, esc.Errorf(esc.Unavailable, "the socket's path %s has %d bytes; the system takes %d", path, len(path), maxPath).
			WithHint("set XDG_RUNTIME_DIR to a shorter directory of your own, or set ESCENV_NO_AGENT=1")
	}
	if err := makeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	unlock, err := lock(path)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := vacant(path); err != nil {
		return nil, err
	}
	return bind(path)
}

// makeDir makes the runtime directory, or makes sure of the one that is there.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return &esc.Error{
			Kind: esc.Unavailable, Summary: "making the agent's directory: " + err.Error(),
			Hint: "set XDG_RUNTIME_DIR to a directory of your own, or set ESCENV_NO_AGENT=1", Err: err,
		}
	}
	return wire.CheckDir(dir)
}

// lock makes sure that one process at a time decides who listens at path.
func lock(path string) (unlock func(), err error) {
	name := strings.TrimSuffix(path, ".sock") + ".lock"
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	for {
		err = unix.Flock(fd, unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(&fs.PathError{Op: "flock", Path: name, Err: err}, unix.Close(fd))
	}
	return func() { _ = unix.Close(fd) }, nil
}

// vacant makes room at path, unless somebody listens there.
func vacant(path string) error {
	conn, err := wire.DialSocket(path)(context.Background())
	switch {
	case err == nil:
		return errors.Join(ErrRunning, conn.Close())
	case !errors.Is(err, wire.ErrNoAgent):
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func bind(path string) (*Listener, error) {
	old := unix.Umask(0o177)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	unix.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	l.SetUnlinkOnClose(false) // by then the path may be another agent's
	info, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &Listener{UnixListener: l, Path: path, file: info}, nil
}

// Mine reports whether the socket at the path is still the one that was bound.
func (l *Listener) Mine() bool {
	info, err := os.Lstat(l.Path)
	return err == nil && os.SameFile(info, l.file)
}

// Accept waits for the next caller who is this user. Others are hung up on.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if checkPeer(conn) == nil {
			return conn, nil
		}
		_ = conn.Close()
	}
}

func checkPeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	if err := raw.Control(func(fd uintptr) { refused = wire.CheckPeer(int(fd)) }); err != nil {
		return err
	}
	return refused
}

// Close stops listening and removes the socket, if it is still ours.
func (l *Listener) Close() error {
	unlock, err := lock(l.Path)
	if err == nil {
		defer unlock()
		if l.Mine() {
			err = os.Remove(l.Path)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // the directory is gone, and the socket with it
	}
	return errors.Join(err, l.UnixListener.Close())
}
