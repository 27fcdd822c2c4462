// Package safefile reads files that only the right people can have written,
// and writes files whole or not at all.
package safefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Access says what other users may have done to a file.
type Access int

// The kinds of access, the strictest first.
const (
	Private Access = iota // nothing: it is the user's, closed to everybody else
	Trusted               // read it: it is the user's or root's, and nobody but them and the user's own group may write it
	Public                // anything
)

// A Rule says which files are safe to use.
type Rule struct {
	UID      int // the user
	Access   Access
	Max      int64 // the longest file that is read, in bytes
	NoFollow bool  // a symbolic link is not followed; otherwise what counts is the file it ends at
}

// An UnsafeError is a file or directory that does not keep a Rule.
type UnsafeError struct {
	Path    string
	Why     string // "can be written by anybody: its mode is 0666"
	Hint    string // what mends it, often a command to type; may be empty
	Foreign bool   // it is another user's
}

// Error returns the path and why it is not safe.
func (e *UnsafeError) Error() string { return e.Path + " " + e.Why }

// Read returns the content of the regular file at path, and what the file was
// when it was read. It never waits for the other end of a pipe. A file that
// does not keep the rule is an *UnsafeError, a missing one fs.ErrNotExist.
func Read(path string, rule Rule) ([]byte, fs.FileInfo, error) {
	f, err := openPlain(path, rule.flag())
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return rule.read(f, path)
}

// ReadIn is Read of a file below an open directory.
func ReadIn(root *os.Root, name string, rule Rule) ([]byte, error) {
	path := filepath.Join(root.Name(), name)
	// A root follows links that stay below it, whatever the flag says.
	if info, err := root.Lstat(name); rule.NoFollow && err == nil && info.Mode().Type() == fs.ModeSymlink {
		return nil, &UnsafeError{Path: path, Why: "is a symbolic link", Hint: "ls -l " + path}
	}
	f, err := root.OpenFile(name, rule.flag(), 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, _, err := rule.read(f, path)
	return text, err
}

// flag is how files are opened: not followed if so ruled, and not waited for.
func (r Rule) flag() int {
	if r.NoFollow {
		return os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOFOLLOW
	}
	return os.O_RDONLY | syscall.O_NONBLOCK
}

// read looks at the file that is open, so that nobody can change it for
// another in between.
func (r Rule) read(f fs.File, path string) ([]byte, fs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, &UnsafeError{Path: path, Why: "is not a regular file", Hint: "ls -l " + path}
	}
	if err := r.Check(path, info); err != nil {
		return nil, nil, err
	}
	text, err := readAll(f, info.Size(), r.Max)
	if err == nil && int64(len(text)) > r.Max {
		err = &UnsafeError{Path: path, Why: "is longer than " + size(r.Max), Hint: "ls -l " + path}
	}
	if err != nil {
		return nil, nil, err
	}
	return text, info, nil
}

// readAll reads a file, but no more than a byte beyond most. One that has the
// size it says takes one buffer and no other.
func readAll(f fs.File, size, most int64) ([]byte, error) {
	text := make([]byte, 0, min(size, most)+1)
	for int64(len(text)) <= most {
		n, err := f.Read(text[len(text):min(int64(cap(text)), most+1)])
		text = text[:len(text)+n]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(text) == cap(text) { // it has grown
			text = slices.Grow(text, len(text))
		}
	}
	return text, nil
}

// OpenDir opens a directory that keeps the rule.
func OpenDir(path string, rule Rule) (*os.Root, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil {
		err = rule.Check(path, info)
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// Check returns an *UnsafeError unless what info says of the file or directory
// at path keeps the rule.
func (r Rule) Check(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	perm := info.Mode().Perm()
	e := &UnsafeError{Path: path}
	switch {
	case r.Access == Public:
		return nil
	case !ok:
		e.Why = "has no owner that can be told"
	case int(st.Uid) != r.UID && (st.Uid != 0 || r.Access == Private):
		e.Foreign = true
		e.Why = fmt.Sprintf("belongs to another user (uid %d)", st.Uid)
		e.Hint = "chown it, or copy it, when you have read what it says"
	case r.Access == Private && perm&0o077 != 0:
		e.Why = fmt.Sprintf("is open to other users: its mode is %04o", perm)
		e.Hint = "chmod go-rwx " + path
	case info.IsDir() && info.Mode()&fs.ModeSticky != 0 && perm&0o002 != 0:
		e.Why = "is a directory in which anybody may put files"
		e.Hint = "keep such files in a directory of your own"
	case perm&0o002 != 0:
		e.Why = fmt.Sprintf("can be written by anybody: its mode is %04o", perm)
		e.Hint = "chmod go-w " + path
	case perm&0o020 != 0 && !r.ownGroup(st):
		e.Why = fmt.Sprintf("can be written by its group: its mode is %04o", perm)
		e.Hint = "chmod g-w " + path
	default:
		return nil
	}
	return e
}

// ownGroup returns whether a file's group is the private one of the user, who
// owns it. Where users have one, their umask is 002: all they make is
// group-writable.
func (r Rule) ownGroup(st *syscall.Stat_t) bool {
	return st.Gid == st.Uid && int(st.Uid) == r.UID && r.UID != 0
}

// size returns a number of bytes in the largest unit that holds it evenly.
func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
