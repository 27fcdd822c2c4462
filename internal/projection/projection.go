// Package projection writes an environment's files where only their user can
// read them, and takes them away again.
//
// Files belong to an owner, a process: the shell that holds an environment, or
// escenv for one command. They live as long as it does. What an owner that was
// killed left behind is swept away by the agent, and by whoever comes next.
package projection

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/proc"
	"github.com/escenv/escenv/internal/safefile"
)

// memoryDir is where Linux keeps files in memory for everybody.
const memoryDir = "/dev/shm"

// Base returns the directory below which the files of all of a user's owners
// are: below XDG_RUNTIME_DIR, else in memory where the system has a place for
// that, else below the directory for temporary files. It makes nothing. A place
// where somebody else could put another directory is an error.
func Base(environ func(name string) string, uid int) (string, error) {
	if dir := environ("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "escenv", "files"), checkPlace(dir, uid)
	}
	own := "escenv-" + strconv.Itoa(uid)
	if checkPlace(memoryDir, uid) == nil {
		return filepath.Join(memoryDir, own, "files"), nil
	}
	dir := environ("TMPDIR")
	if !filepath.IsAbs(dir) {
		dir = "/tmp"
	}
	return filepath.Join(dir, own, "files"), checkPlace(dir, uid)
}

// checkPlace refuses a directory in which others can put a directory of theirs
// in the place of ours.
func checkPlace(dir string, uid int) error {
	info, err := os.Stat(dir)
	if err != nil {
		return noPlace(dir, err)
	}
	if info.Mode()&fs.ModeSticky != 0 && neutral(info, uid) { // each may remove only what is theirs
		return nil
	}
	return noPlace(dir, safefile.Rule{UID: uid, Access: safefile.Trusted}.Check(dir, info))
}

// nobody is whose the files of those are that a user namespace does not know:
// root's, in a container without root.
const nobody = 65534

// neutral reports whether a directory is nobody's who would move away what is
// in it: its owner may, sticky or not.
func neutral(info fs.FileInfo, uid int) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && (st.Uid == 0 || st.Uid == nobody || int(st.Uid) == uid)
}

func noPlace(dir string, err error) error {
	if err == nil {
		return nil
	}
	return &esc.Error{
		Kind: esc.Unavailable, Summary: "there is no place for the environment's files: " + err.Error(), Err: err,
		Hint: "ls -ld " + dir,
	}
}

// A Run is where one owner's files are.
type Run struct {
	base string
	name string // of the directory below base
}

// Open returns where the files of the process owner are, below what Base
// returned. Nothing is made yet; nothing needs to be closed.
func Open(base string, owner int) (*Run, error) {
	name, err := ownerName(owner)
	if err != nil {
		return nil, err
	}
	return &Run{base, name}, nil
}

// ownerName names a process for as long as it lives, and none that comes later
// with the same number.
func ownerName(pid int) (string, error) {
	began, err := proc.Started(pid)
	if err != nil {
		return "", esc.Errorf(esc.NotFound, "there is no process %d to keep files for", pid)
	}
	return strconv.Itoa(pid) + "." + began, nil
}

// Remove removes the owner's files and their directory, if there are any.
func (r *Run) Remove() error {
	base, err := openBase(r.base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer base.Close()
	return base.RemoveAll(r.name)
}

// Sweep removes the files below base whose owner has ended.
func Sweep(base string) error {
	root, err := openBase(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	for _, entry := range entries {
		if ended(entry.Name()) {
			err = errors.Join(err, root.RemoveAll(entry.Name()))
		}
	}
	return err
}
