package activation

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
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
	UID    int    // whose files count, besides root's
	Direct string // a directory to which no symbolic link leads, if one is known: the working directory
	Found  func() // called when there is one, before it is looked at; may be nil

	// Coarse is the clock that files get their times from; nil if it is not known.
	Coarse func() time.Time
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
			if f.Found != nil {
				f.Found()
			}
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
		if err := f.checkDir(at); err != nil || at == to {
			return err
		}
	}
}

// rule is for files that only the user or root can have written. Their paths
// are canonical: a link is one that somebody has just put there.
func (f Finder) rule(limit int64) safefile.Rule {
	return safefile.Rule{UID: f.UID, Access: safefile.Trusted, Max: limit, NoFollow: true}
}

// checkDir returns an error if anybody else could have put a file in dir.
func (f Finder) checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	return refused(f.rule(0).Check(dir, info))
}

// refused says of an unsafe file or directory what follows from it.
func refused(err error) error {
	unsafe, ok := errors.AsType[*safefile.UnsafeError](err)
	if !ok {
		return err
	}
	return esc.Errorf(esc.Invalid, "not using a %s: %s", Name, unsafe).WithHint("%s", unsafe.Hint)
}

// read fills in file from what is at its path.
func (f Finder) read(file *File) error {
	canonical, err := f.canonical(file.Path)
	if err != nil {
		return fmt.Errorf("finding out where %s is: %w", file.Path, err)
	}
	file.Canonical = canonical
	if filepath.Base(canonical) != Name { // or what is wrong with it would show what it holds
		return esc.Errorf(esc.Invalid, "not using %s: it is a link to %s, which is no %s", file.Path, canonical, Name).
			WithHint("rm %s, if it is not yours", file.Path)
	}
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

// canonical returns path without symbolic links. To what is above Direct none
// leads either.
func (f Finder) canonical(path string) (string, error) {
	dir, name := filepath.Split(path)
	if dir != "" && strings.HasPrefix(f.Direct+"/", dir) && name != "" {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return filepath.EvalSymlinks(path)
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
	if err := f.checkDir(filepath.Dir(path)); err != nil {
		return nil, nil, err
	}
	text, info, err := safefile.Read(path, f.rule(limit))
	if err == nil && f.justWritten(info.ModTime()) {
		text, info, err = safefile.Read(path, f.rule(limit))
	}
	return text, info, refused(err)
}

// longestTick is more than the time between two ticks of any kernel.
const longestTick = 20 * time.Millisecond

// justWritten waits until another write would have another time than a file
// that was written at that one, and reports whether it had to: files get their
// times from a clock that ticks a few hundred times a second, and two edits
// within a tick look like one.
func (f Finder) justWritten(at time.Time) bool {
	if f.Coarse == nil {
		return false
	}
	waited := false
	for now := f.Coarse(); !at.Before(now) && at.Sub(now) < longestTick; now = f.Coarse() {
		waited = true
		time.Sleep(time.Millisecond) //nolint:forbidigo // it is time that is waited for
	}
	return waited
}

func hintOf(err error) string {
	if e, ok := errors.AsType[*esc.Error](err); ok {
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
