package process

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A link joins escenv and the monitor of its pty. What runs, and its
// environment, crosses it: arguments of a process are everybody's to read.
//
// A message is its length in four bytes and its body. The body of a report is
// two numbers; that of an order is a signal, whether it is in the foreground,
// what else there is, and that: two modes, or the number of arguments and then
// every part of what is to be started, each with a NUL behind it.
type link struct{ file *os.File }

// An order is what escenv tells the monitor.
type order struct {
	modes *[2]modes // of the user's terminal: as it was, and as it is set now; nil if nothing is
	start *start    // nil but in one
	// signal is for the command's process group. With SIGCONT, foreground says
	// whether the pty's keyboard is the group's.
	signal     syscall.Signal
	foreground bool
}

// What an order may have besides a signal.
const (
	orderPlain = iota
	orderModes
	orderStart
)

// start is what an order has the monitor start.
type start struct {
	path      string
	args, env []string
}

// A report is what the monitor tells escenv: first that the command has started
// or, with an errno, not; then that it stopped, or ended.
type report struct {
	errno  syscall.Errno
	status syscall.WaitStatus
}

// each returns a channel of what next returns, until that is an error.
func each[T any](next func() (T, error)) <-chan T {
	all := make(chan T)
	go func() {
		defer close(all)
		for {
			one, err := next()
			if err != nil {
				return
			}
			all <- one
		}
	}()
	return all
}

// maxMessage is more than the kernel lets a program be started with.
const maxMessage = 16 << 20

var errMessage = errors.New("the terminal's monitor and escenv do not understand each other")

// newLinkPair returns one end of a link, and the file that is the other.
func newLinkPair() (*link, *os.File, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, err
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	_ = unix.SetNonblock(fds[0], true) // to wait for it takes no thread then
	return &link{os.NewFile(uintptr(fds[0]), "monitor")}, os.NewFile(uintptr(fds[1]), "escenv"), nil
}

func (l *link) give(o order) (err error) {
	body := []byte{byte(o.signal), 0, orderPlain}
	if o.foreground {
		body[1] = 1
	}
	switch {
	case o.modes != nil:
		body[2] = orderModes
		body, err = binary.Append(body, binary.NativeEndian, o.modes)
	case o.start != nil:
		body[2] = orderStart
		body = binary.BigEndian.AppendUint32(body, uint32(len(o.start.args)))
		for _, part := range slices.Concat([]string{o.start.path}, o.start.args, o.start.env) {
			body = append(append(body, part...), 0)
		}
	}
	return errors.Join(err, l.send(body))
}

func (l *link) nextOrder() (o order, err error) {
	body, err := l.receive()
	if err != nil || len(body) < 3 {
		return o, errors.Join(err, errMessage)
	}
	o = order{signal: syscall.Signal(body[0]), foreground: body[1] == 1}
	switch rest := body[3:]; body[2] {
	case orderModes:
		o.modes = new([2]modes)
		_, err = binary.Decode(rest, binary.NativeEndian, o.modes)
	case orderStart:
		o.start, err = parseStart(rest)
	}
	return o, err
}

func parseStart(body []byte) (*start, error) {
	if len(body) < 5 {
		return nil, errMessage
	}
	args := int(binary.BigEndian.Uint32(body))
	parts := strings.Split(string(body[4:len(body)-1]), "\x00")
	if args > len(parts)-1 {
		return nil, errMessage
	}
	return &start{path: parts[0], args: parts[1 : 1+args], env: parts[1+args:]}, nil
}

func (l *link) report(r report) error {
	body := binary.BigEndian.AppendUint32(nil, uint32(r.errno))
	return l.send(binary.BigEndian.AppendUint32(body, uint32(r.status)))
}

func (l *link) nextReport() (r report, err error) {
	body, err := l.receive()
	if err != nil || len(body) != 8 {
		return r, errors.Join(err, errMessage)
	}
	r.errno = syscall.Errno(binary.BigEndian.Uint32(body))
	r.status = syscall.WaitStatus(binary.BigEndian.Uint32(body[4:]))
	return r, nil
}

func (l *link) send(body []byte) error {
	_, err := l.file.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return err
}

func (l *link) receive() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(l.file, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxMessage {
		return nil, errMessage
	}
	body := make([]byte, n)
	_, err := io.ReadFull(l.file, body)
	return body, err
}
