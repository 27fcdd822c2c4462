package safefile

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Replace puts a file of that text and mode in path's place. It is all or
// nothing, also if the machine stops halfway; a reader sees the old file or
// the new one. A symbolic link at path is replaced, not followed.
func Replace(path string, text []byte, mode fs.FileMode) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer root.Close()
	return ReplaceIn(root, filepath.Base(path), text, mode)
}

// ReplaceIn is Replace of a file below an open directory.
func ReplaceIn(root *os.Root, name string, text []byte, mode fs.FileMode) error {
	return place(root, name, text, mode, root.Rename)
}

// CreateIn makes a file of that text and mode below an open directory, whole
// or not at all. If the name is taken it returns fs.ErrExist and leaves what
// is there.
func CreateIn(root *os.Root, name string, text []byte, mode fs.FileMode) error {
	return place(root, name, text, mode, root.Link)
}

// place writes a file beside name, puts it there, and makes that last.
func place(root *os.Root, name string, text []byte, mode fs.FileMode, put func(from, to string) error) error {
	dir := filepath.Dir(name)
	// Nobody needs to be surprised by the name: it is refused if it is taken.
	temporary := filepath.Join(dir, ".new-"+strconv.FormatUint(rand.Uint64(), 36))
	if err := writeNew(root, temporary, text, mode); err != nil {
		return err
	}
	err := put(temporary, name)
	if left := root.Remove(temporary); !errors.Is(left, fs.ErrNotExist) { // a rename leaves nothing
		err = errors.Join(err, left)
	}
	if err != nil {
		return err
	}
	return syncDir(root, dir)
}

// writeNew writes a file that must not be there yet, to the disk. Its mode is
// the one asked for, whatever the umask.
func writeNew(root *os.Root, name string, text []byte, mode fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, root.Remove(name))
	}
	return nil
}

// syncDir makes what was renamed in a directory last.
func syncDir(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
