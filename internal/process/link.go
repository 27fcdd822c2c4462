package process

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A link joins escenv and the monitor of its pty. What runs, and its
// environment, crosses it: arguments of a process are everybody's to read.
type link struct {
	file *os.File
	in   *json.Decoder
	out  *json.Encoder
}

// An order is what escenv tells the monitor.
type order struct {
	Start *start `json:",omitempty"`
	// Signal is for the command's process group. With SIGCONT, Foreground says
	// whether the pty's keyboard is the group's.
	Signal     syscall.Signal `json:",omitempty"`
	Foreground bool           `json:",omitempty"`
}

// start is the first order. Args and Env are joined by NULs, since what they
// hold need not be text.
type start struct {
	Path      string
	Args, Env []byte
}

// A report is what the monitor tells escenv: that it is ready, then how the
// command did not start, stopped or ended.
type report struct {
	Errno  syscall.Errno      `json:",omitempty"`
	Status syscall.WaitStatus `json:",omitempty"`
}

func newLink(file *os.File) *link {
	return &link{file: file, in: json.NewDecoder(file), out: json.NewEncoder(file)}
}

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
	return newLink(os.NewFile(uintptr(fds[0]), "monitor")), os.NewFile(uintptr(fds[1]), "escenv"), nil
}

func (l *link) give(o order) error    { return l.out.Encode(o) }
func (l *link) report(r report) error { return l.out.Encode(r) }

func (l *link) nextOrder() (o order, err error)   { err = l.in.Decode(&o); return o, err }
func (l *link) nextReport() (r report, err error) { err = l.in.Decode(&r); return r, err }

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

func join(list []string) []byte { return []byte(strings.Join(list, "\x00")) }

func split(list []byte) []string {
	if len(list) == 0 {
		return nil
	}
	return strings.Split(string(list), "\x00")
}
