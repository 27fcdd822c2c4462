package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
)

// A Change replaces a definition.
type Change struct {
	Text   []byte
	Base   string // the revision it was made from; empty to write whatever is there
	Create bool   // the definition must not be there yet
}

// Write makes a change and returns the definition as it is now. It is
// all or nothing, also if the machine stops halfway. The error is an
// *esc.Error of kind Conflict if the definition is not the one the change was
// made from.
func (s *Files) Write(ref esc.Ref, change Change) (Definition, error) {
	if len(change.Text) > MaxSize {
		return Definition{}, esc.Errorf(esc.Invalid, "%s would be larger than 1 MiB", ref)
	}
	file, err := s.file(ref)
	if err != nil {
		return Definition{}, err
	}
	unlock, err := s.lock(ref)
	if err != nil {
		return Definition{}, err
	}
	defer unlock()
	if err := s.checkBase(ref, change); err != nil {
		return Definition{}, err
	}
	if err := replaceFile(file, change.Text); err != nil {
		return Definition{}, err
	}
	return s.Load(esc.Ref{Path: file})
}

// Remove removes a definition, and its project with the last one.
func (s *Files) Remove(ref esc.Ref) error {
	file, err := s.file(ref)
	if err != nil {
		return err
	}
	unlock, err := s.lock(ref)
	if err != nil {
		return err
	}
	defer unlock()
	err = os.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s.notFound(ref)
	}
	if err == nil && ref.Path == "" {
		_ = os.Remove(filepath.Dir(file)) // fails, rightly, unless it is empty
	}
	return err
}

// checkBase refuses a change that was not made from what is there.
func (s *Files) checkBase(ref esc.Ref, change Change) error {
	now, err := s.Load(ref)
	var missing *esc.Error
	switch {
	case err == nil && change.Create:
		return esc.Errorf(esc.Conflict, "%s exists already", ref).WithHint("escenv env edit %s", ref)
	case err == nil && change.Base != "" && change.Base != now.Revision:
		return esc.Errorf(esc.Conflict, "%s was changed meanwhile", ref).WithHint("escenv env edit %s", ref)
	case err == nil:
		return nil
	case !errors.As(err, &missing) || missing.Kind != esc.NotFound:
		return err
	case change.Base != "":
		return esc.Errorf(esc.Conflict, "%s was removed meanwhile", ref).WithHint("escenv env init %s", ref)
	}
	return s.checkTwin(ref)
}

// checkTwin refuses a name that differs from another only in case: the two
// would be one file on many systems.
func (s *Files) checkTwin(ref esc.Ref) error {
	refs, err := s.List()
	if err != nil {
		return err
	}
	for _, other := range refs {
		if other.String() != ref.String() && strings.EqualFold(other.String(), ref.String()) {
			return esc.Errorf(esc.Conflict, "%s exists already, and the names differ only in case", other).
				WithHint("escenv env edit %s", other)
		}
	}
	return nil
}

// lock keeps other writers out until unlock is called. A ref with a path locks
// nothing: its file is somebody else's to arrange.
func (s *Files) lock(ref esc.Ref) (unlock func(), err error) {
	if ref.Path != "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(filepath.Join(s.Dir, ref.Project), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(s.Dir, ".lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	return func() { f.Close() }, nil
}

// replaceFile puts text in file's place. A symbolic link stays, and what it
// points to is replaced; a file that is there keeps its mode.
func replaceFile(file string, text []byte) error {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	if err := safefile.Replace(file, text, mode); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}
