package projection

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
)

// directory opens the owner's directory, and makes it and those above it where
// they are missing. made tells whether the owner had none.
func (r *Run) directory() (dir *os.Root, made bool, err error) {
	base, err := walk(r.base, func(above *os.Root, name string) error {
		_, err := makeDir(above, name)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	defer base.Close()
	if made, err = makeDir(base, r.name); err != nil {
		return nil, made, err
	}
	dir, err = openPrivate(base, r.name)
	return dir, made, err
}

// openBase opens the directory of all owners, if it is there.
func openBase(base string) (*os.Root, error) {
	return walk(base, func(*os.Root, string) error { return nil })
}

// walk opens base, of which the last two directories are ours. visit sees each
// before it is opened.
func walk(base string, visit func(above *os.Root, name string) error) (*os.Root, error) {
	ours := filepath.Dir(base)
	root, err := os.OpenRoot(filepath.Dir(ours))
	for _, name := range []string{filepath.Base(ours), filepath.Base(base)} {
		if err != nil {
			return nil, err
		}
		above := root
		if err = visit(above, name); err == nil {
			root, err = openPrivate(above, name)
		}
		above.Close()
	}
	return root, err
}

// makeDir makes a directory unless there is something of that name.
func makeDir(above *os.Root, name string) (made bool, err error) {
	err = above.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// openPrivate opens a directory that must be the user's alone, and no link.
func openPrivate(above *os.Root, name string) (*os.Root, error) {
	path := filepath.Join(above.Name(), name)
	seen, err := above.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !seen.IsDir() {
		return nil, unsafe(path, "is not a directory")
	}
	rule := safefile.Rule{UID: os.Geteuid(), Access: safefile.Private}
	if e, ok := errors.AsType[*safefile.UnsafeError](rule.Check(path, seen)); ok {
		return nil, unsafe(path, e.Why)
	}
	dir, err := above.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	opened, err := dir.Stat(".")
	if err != nil || !os.SameFile(seen, opened) { // somebody has put a link there meanwhile
		dir.Close()
		return nil, errors.Join(err, unsafe(path, "is not what it was a moment ago"))
	}
	return dir, nil
}

func unsafe(path, why string) error {
	return esc.Errorf(esc.Refused, "%s %s; no file is put there", path, why).
		WithHint("ls -ld %s, and remove it if it is not yours", path)
}
