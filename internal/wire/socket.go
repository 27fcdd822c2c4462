package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
)

// ErrNoAgent says that nobody listens at the socket.
var ErrNoAgent = errors.New("no agent is running")

// sendTimeout is how long connecting, or sending one piece, may take: an agent
// does neither slowly.
const sendTimeout = 2 * time.Second

// DialSocket returns what connects to the agent that listens at path, and
// refuses to talk to anybody but this user. The system calls are made directly:
// package net costs more time at start-up than the whole conversation.
func DialSocket(path string) func(context.Context) (Conn, error) {
	return func(context.Context) (Conn, error) {
		if err := CheckSocket(path); err != nil {
			return nil, err
		}
		return connect(path)
	}
}

// CheckSocket refuses a socket path that somebody else could have put there,
// and returns an error that wraps ErrNoAgent if there is nothing at it.
func CheckSocket(path string) error {
	if err := CheckDir(filepath.Dir(path)); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return absent(&fs.PathError{Op: "lstat", Path: path, Err: err}, path)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || int(st.Uid) != os.Geteuid() {
		return unsafePath(path, "is not a socket of yours")
	}
	return nil
}

// CheckDir refuses a directory that is not this user's alone.
func CheckDir(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return absent(err, dir)
	}
	if !info.IsDir() {
		return unsafePath(dir, "is not a directory")
	}
	rule := safefile.Rule{UID: os.Geteuid(), Access: safefile.Private}
	if unsafe, ok := errors.AsType[*safefile.UnsafeError](rule.Check(dir, info)); ok {
		return unsafePath(dir, unsafe.Why)
	}
	return nil
}

func absent(err error, path string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is not there", ErrNoAgent, path)
	}
	return err
}

func unsafePath(path, why string) error {
	return esc.Errorf(esc.Refused, "%s %s; somebody may be posing as the agent", path, why).
		WithHint("look at it with ls -ld, remove it if it is not yours, or set XDG_RUNTIME_DIR to a directory of your own")
}

// connect opens the socket and makes sure of who listens, before a byte is sent.
func connect(path string) (Conn, error) {
	fd, err := newSocket()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	conn := &socket{fd: fd, address: unix.SockaddrUnix{Name: path}}
	if err := conn.connect(path); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// A socket is a connected unix socket.
type socket struct {
	mu     sync.Mutex // guards closing against a late Interrupt
	fd     int
	closed bool
	end    time.Time // of waiting to read; zero if there is none

	address unix.SockaddrUnix // of the agent
}

func (s *socket) connect(path string) error {
	limit := unix.NsecToTimeval(sendTimeout.Nanoseconds())
	if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	_, err := again(func() (int, error) { return 0, unix.Connect(s.fd, &s.address) })
	switch {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ENOENT):
		return fmt.Errorf("%w: nobody listens at %s", ErrNoAgent, path)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENAMETOOLONG):
		return esc.Errorf(esc.Invalid, "%s is too long for a socket", path).WithHint("set XDG_RUNTIME_DIR to a shorter path")
	case errors.Is(err, unix.EAGAIN):
		return esc.Errorf(esc.Unavailable, "the agent is too busy to answer").WithHint("escenv agent status")
	case err != nil:
		return &fs.PathError{Op: "connect", Path: path, Err: err}
	}
	return CheckPeer(s.fd)
}

// CheckPeer refuses a connected socket whose other end is another user's.
func CheckPeer(fd int) error {
	uid, err := peerUID(fd)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if uid != os.Geteuid() {
		return esc.Errorf(esc.Refused, "the other end of the socket belongs to another user (uid %d)", uid)
	}
	return nil
}

// endIn lets every Read fail with os.ErrDeadlineExceeded that begins, or would
// wait, longer than until then.
func (s *socket) endIn(d time.Duration) {
	s.end = time.Now().Add(d) //nolint:forbidigo // nobody is told: it is a distance
}

func (s *socket) Read(p []byte) (int, error) {
	if !s.end.IsZero() {
		left := time.Until(s.end) //nolint:forbidigo // as above
		if left < time.Microsecond {
			return 0, os.ErrDeadlineExceeded
		}
		limit := unix.NsecToTimeval(left.Nanoseconds())
		if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
			return 0, os.NewSyscallError("setsockopt", err)
		}
	}
	n, err := again(func() (int, error) { return unix.Read(s.fd, p) })
	if n == 0 && err == nil && len(p) > 0 {
		return 0, io.EOF
	}
	if errors.Is(err, unix.EAGAIN) {
		return 0, os.ErrDeadlineExceeded
	}
	return n, os.NewSyscallError("read", err)
}

func (s *socket) Write(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		n, err := again(func() (int, error) { return unix.Write(s.fd, p[sent:]) })
		if err != nil {
			return sent, os.NewSyscallError("write", err)
		}
		sent += n
	}
	return sent, nil
}

// again repeats a system call that a signal interrupted.
func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}

func (s *socket) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		_ = unix.Shutdown(s.fd, unix.SHUT_RDWR) // fails only if the other end is gone already
	}
}

func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return os.NewSyscallError("close", unix.Close(s.fd))
}
