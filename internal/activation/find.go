package activation

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// Name is what the file that names a directory's environment is called.
const Name = ".escenv"

// Caps on files that are read before anybody trusts them, in bytes.
const (
	maxFile       = 64 << 10
	maxDefinition = 1 << 20
)

// A File is a .escenv that was found, read once: the bytes that were hashed
// are the bytes that were parsed.
type File struct {
	Path      string    // below the directory as the shell calls it
	Canonical string    // without symbolic links: what trust is about
	ModTime   time.Time // when it was read
	Digest    string    // SHA-256, in hex, over its content and that of the definitions beside it
	Refs      []esc.Ref // the layers it names
}

// A Finder looks for .escenv files that are safe to use for a user.
type Finder struct {
	UID int // whose files count, besides root's
}

// Find returns the nearest .escenv at or above dir, an absolute path as the
// shell calls it, or nil if there is none.
//
// A file that another user could have put there is an *esc.Error that says
// why, and one that cannot be understood esc.Diagnostics; the File then says
// which it is but has no Refs.
func (f Finder) Find(dir string) (*File, error) {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		path := filepath.Join(at, Name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			file := &File{Path: path, ModTime: info.ModTime()}
			if err := f.walkable(filepath.Clean(dir), at); err != nil {
				return file, err
			}
			return file, f.read(file)
		}
		if at == filepath.Dir(at) {
			return nil, nil
		}
	}
}

// walkable refuses directories between from and to, a parent of it, in which
// somebody else could have put a file.
func (f Finder) walkable(from, to string) error {
	for at := from; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err == nil {
			err = f.safe(at, info)
		}
		if err != nil || at == to {
			return err
		}
	}
}

// safe returns an error if anybody but the user and root may write info.
func (f Finder) safe(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode()
	switch {
	case !ok:
		return refused(path, "has no owner that can be told", "")
	case st.Uid != 0 && int(st.Uid) != f.UID:
		return refused(path, fmt.Sprintf("belongs to another user (uid %d)", st.Uid), "chown it, or leave it out")
	case mode.IsDir() && mode&fs.ModeSticky != 0 && mode.Perm()&0o002 != 0:
		return refused(path, "is a directory in which anybody may put files", "keep the .escenv in a directory of your own")
	case mode.Perm()&0o002 != 0:
		return refused(path, "can be written by anybody", "chmod go-w "+path)
	case mode.Perm()&0o020 != 0:
		return refused(path, "can be written by its group", "chmod g-w "+path)
	}
	return nil
}

func refused(path, why, hint string) error {
	e := esc.Errorf(esc.Invalid, "not using a %s: %s %s", Name, path, why)
	e.Hint = hint
	return e
}

// read fills in file from what is at its path.
func (f Finder) read(file *File) error {
	canonical, err := filepath.EvalSymlinks(file.Path)
	if err != nil {
		return fmt.Errorf("finding out where %s is: %w", file.Path, err)
	}
	file.Canonical = canonical
	text, info, err := f.readSafe(canonical, maxFile)
	if err != nil {
		return err
	}
	file.ModTime = info.ModTime()
	hash := sha256.New()
	hash.Write(text)
	file.Digest = hex.EncodeToString(hash.Sum(nil))
	refs, positions, err := parse(text, file.Path, filepath.Dir(canonical))
	if err != nil {
		return err
	}
	for i := range refs {
		if refs[i].Path == "" {
			continue
		}
		if refs[i].Digest, err = f.digest(refs[i].Path); err != nil {
			return esc.Diagnostics{{Position: positions[i], Summary: err.Error(), Hint: hintOf(err)}}
		}
		hash.Write([]byte("\n" + refs[i].Digest))
	}
	file.Digest = hex.EncodeToString(hash.Sum(nil))
	file.Refs = refs
	return nil
}

// digest pins a definition kept beside the code: what was allowed is what is
// opened.
func (f Finder) digest(path string) (string, error) {
	canonical, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", esc.Errorf(esc.NotFound, "there is no definition at %s", path)
	}
	if err != nil {
		return "", err
	}
	text, _, err := f.readSafe(canonical, maxDefinition)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// readSafe reads a file that, like the directory it is in, only the user or
// root can have written. path has no symbolic links.
func (f Finder) readSafe(path string, limit int64) ([]byte, fs.FileInfo, error) {
	dir, err := os.Stat(filepath.Dir(path))
	if err == nil {
		err = f.safe(filepath.Dir(path), dir)
	}
	if err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, refused(path, "is not a regular file", "")
	}
	if err := f.safe(path, info); err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if int64(len(text)) > limit {
		return nil, nil, refused(path, fmt.Sprintf("is longer than %d KiB", limit>>10), "")
	}
	return text, info, nil
}

func hintOf(err error) string {
	var e *esc.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// Name is what people know the environment by: its Names, joined by a space.
func (f *File) Name() string { return strings.Join(f.Names(), " ") }

// Names returns the references, a definition kept beside the code by its path
// from there.
func (f *File) Names() []string {
	names := make([]string, len(f.Refs))
	for i, ref := range f.Refs {
		names[i] = ref.String()
		if rel, err := filepath.Rel(filepath.Dir(f.Canonical), ref.Path); ref.Path != "" && err == nil {
			names[i] = rel
		}
	}
	return names
}
