package projection

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
)

// Write makes the owner's files those of an environment, and returns the path
// of each by its name. A reader sees a file's old content or the new one; a
// file that holds the right content already is left alone. If one cannot be
// written, all are as they were. With no files, nothing is made.
func (r *Run) Write(files []esc.File) (map[string]string, error) {
	if len(files) == 0 {
		return nil, r.Remove()
	}
	texts, err := contents(files)
	if err != nil {
		return nil, err
	}
	dir, made, err := r.directory()
	if err == nil {
		defer dir.Close()
		err = replaceAll(dir, texts)
	}
	if err != nil {
		if made {
			err = errors.Join(err, r.Remove())
		}
		return nil, cannotWrite(r.base, err)
	}
	paths := make(map[string]string, len(texts))
	for name := range texts {
		paths[name] = filepath.Join(r.base, r.name, name)
	}
	return paths, nil
}

// contents returns the text of each file by its name.
func contents(files []esc.File) (map[string]string, error) {
	texts := make(map[string]string, len(files))
	for _, f := range files {
		if !esc.IsVariableName(f.Name) {
			return nil, esc.Errorf(esc.Invalid, "%q cannot be the name of a file's variable", f.Name)
		}
		text, ok := f.Content.RevealString()
		if !ok {
			return nil, esc.Errorf(esc.Invalid, "the file %s is not text but %s", f.Name, f.Content.Kind())
		}
		texts[f.Name] = text
	}
	return texts, nil
}

// cannotWrite says that there are no files, and why.
func cannotWrite(base string, err error) error {
	var e *esc.Error
	switch {
	case errors.As(err, &e):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &esc.Error{
			Kind: esc.Unavailable, Summary: "writing the environment's files: " + base + " is full", Err: err,
			Hint: "df -h " + filepath.Dir(filepath.Dir(base)),
		}
	}
	return fmt.Errorf("writing the environment's files: %w", err)
}

// replaceAll makes the files of dir those of texts.
func replaceAll(dir *os.Root, texts map[string]string) error {
	staged, err := stage(dir, texts)
	if err != nil {
		return err
	}
	for name, temporary := range staged {
		if err := dir.Rename(temporary, name); err != nil {
			return errors.Join(err, discard(dir, staged))
		}
	}
	return removeOthers(dir, texts)
}

// stage writes what is not there yet beside where it belongs, and returns under
// which names. It writes everything or leaves nothing.
func stage(dir *os.Root, texts map[string]string) (map[string]string, error) {
	staged := map[string]string{}
	for name, text := range texts {
		if holds(dir, name, text) {
			continue
		}
		temporary := ".new-" + strconv.FormatUint(rand.Uint64(), 36)
		staged[name] = temporary
		if err := writeNew(dir, temporary, text); err != nil {
			return nil, errors.Join(err, discard(dir, staged))
		}
	}
	return staged, nil
}

// discard removes staged files that are still there.
func discard(dir *os.Root, staged map[string]string) error {
	var err error
	for _, temporary := range staged {
		if left := dir.Remove(temporary); !errors.Is(left, fs.ErrNotExist) {
			err = errors.Join(err, left)
		}
	}
	return err
}

// holds reports whether a file is as it should be.
func holds(dir *os.Root, name, text string) bool {
	rule := safefile.Rule{UID: os.Geteuid(), Access: safefile.Private, Max: int64(len(text)), NoFollow: true}
	held, err := safefile.ReadIn(dir, name, rule)
	return err == nil && string(held) == text
}

// writeNew writes a file that must not be there yet. It does not ask for it to
// be on a disk: it had better not be.
func writeNew(dir *os.Root, name, text string) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// removeOthers removes what is no longer wanted.
func removeOthers(dir *os.Root, wanted map[string]string) error {
	entries, err := fs.ReadDir(dir.FS(), ".")
	for _, entry := range entries {
		if _, ok := wanted[entry.Name()]; !ok {
			err = errors.Join(err, dir.RemoveAll(entry.Name()))
		}
	}
	return err
}
