package activation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/safefile"
)

// Stamps are empty files with chosen modification times. A shell can tell with
// its own -nt and -ot, to the nanosecond and without a process, that a file is
// neither newer nor older than a stamp: that it is what escenv has read.
type Stamps struct {
	Dir string // the runtime directory, private to the user
	UID int
}

// Generation is the file that is touched whenever open shells should look
// again.
func (s Stamps) Generation() string { return filepath.Join(s.Dir, "generation") }

// Now is a file that shells without a clock touch to learn the time.
func (s Stamps) Now() string { return filepath.Join(s.Dir, "now") }

// At returns the stamp with that modification time, and makes it if need be.
func (s Stamps) At(t time.Time) (string, error) {
	path := filepath.Join(s.Dir, "stamps", strconv.FormatInt(t.UnixNano(), 10))
	if info, err := os.Lstat(path); err == nil && info.ModTime().Equal(t) {
		return path, nil
	}
	if err := s.makeDirs(); err != nil {
		return "", err
	}
	if err := create(path); err != nil {
		return "", err
	}
	if err := os.Chtimes(path, t, t); err != nil {
		return "", fmt.Errorf("setting the time of a stamp: %w", err)
	}
	return path, nil
}

// OfGeneration returns the stamp for the generation file as it is now. Take it
// before asking the agent: what changes meanwhile is then seen at the next
// prompt.
func (s Stamps) OfGeneration() (string, error) {
	info, err := os.Lstat(s.Generation())
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.Touch(time.Time{}); err != nil {
			return "", err
		}
		info, err = os.Lstat(s.Generation())
	}
	if err != nil {
		return "", err
	}
	return s.At(info.ModTime())
}

// Touch tells every open shell to look again at its next prompt. A zero time
// only makes sure that there is a generation file.
func (s Stamps) Touch(now time.Time) error {
	if err := s.makeDirs(); err != nil {
		return err
	}
	if err := create(s.Generation()); err != nil {
		return err
	}
	if now.IsZero() {
		return nil
	}
	// A shell looks whether it is newer; a clock may have gone back.
	if info, err := os.Lstat(s.Generation()); err == nil && !now.After(info.ModTime()) {
		now = info.ModTime().Add(time.Nanosecond)
	}
	return os.Chtimes(s.Generation(), now, now)
}

// Prune removes stamps made before that time. A shell that still used one
// runs escenv once more.
func (s Stamps) Prune(before time.Time) error {
	entries, err := os.ReadDir(filepath.Join(s.Dir, "stamps"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		info, statErr := entry.Info()
		if statErr != nil {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && changed(st).Before(before) {
			err = errors.Join(err, os.Remove(filepath.Join(s.Dir, "stamps", entry.Name())))
		}
	}
	return err
}

// create makes an empty file of the user's alone, if it is not there.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// makeDirs makes the directories, or sees that they are the user's alone:
// below /tmp somebody else may have been there first.
func (s Stamps) makeDirs() error {
	rule := safefile.Rule{UID: s.UID, Access: safefile.Private}
	for _, dir := range []string{s.Dir, filepath.Join(s.Dir, "stamps")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		info, err := os.Lstat(dir)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory: it is %v", dir, info.Mode())
		}
		if err := rule.Check(dir, info); err != nil {
			return err
		}
	}
	return nil
}
