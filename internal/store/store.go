// Package store keeps definitions: today as files, one a definition, below a
// directory of the user's.
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"github.com/escenv/escenv/internal/esc"
)

// MaxSize is the largest definition, in bytes.
const MaxSize = 1 << 20

// extension of definition files.
const extension = ".yaml"

// Files is a store of files: Dir/<project>/<name>.yaml. Writers lock each
// other out, in other processes too; a reader sees a definition as it was or
// as it is, never in between.
type Files struct {
	Dir string // absolute
}

// A Definition is the text of one definition and where it came from.
type Definition struct {
	Text     []byte
	File     string // absolute
	Revision string // changes when the text does
}

// Load reads the definition that ref names: one of the store, or for a ref
// with a path that file, whose content must have the ref's digest if it has
// one. The error is an *esc.Error of kind NotFound, Invalid or Conflict, or
// says what reading ran into.
func (s *Files) Load(ref esc.Ref) (Definition, error) {
	file, err := s.file(ref)
	if err != nil {
		return Definition{}, err
	}
	text, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Definition{}, s.notFound(ref)
	}
	if err != nil {
		return Definition{}, err
	}
	sum := sha256.Sum256(text)
	digest := hex.EncodeToString(sum[:])
	if ref.Digest != "" && ref.Digest != digest {
		return Definition{}, esc.Errorf(esc.Conflict, "%s changed while it was being opened", file).
			WithHint("escenv allow")
	}
	return Definition{Text: text, File: file, Revision: digest[:12]}, nil
}

func (s *Files) notFound(ref esc.Ref) error {
	if ref.Path != "" {
		return esc.Errorf(esc.NotFound, "there is no definition %s", ref)
	}
	return esc.Errorf(esc.NotFound, "there is no definition %s", ref).
		WithHint("escenv env init %s, or escenv env ls to see those there are", ref)
}

// file returns the file that holds ref.
func (s *Files) file(ref esc.Ref) (string, error) {
	switch {
	case ref.Path != "":
		return ref.Path, nil
	case ref.Store != "" && ref.Store != "file":
		return "", esc.Errorf(esc.Invalid, "%s: there is no store %q", ref, ref.Store).
			WithHint("leave the store out: %s/%s", ref.Project, ref.Name)
	case ref.Revision != "":
		return "", esc.Errorf(esc.Invalid, "%s: a store of files keeps no revisions", ref).
			WithHint("leave the revision out: %s/%s", ref.Project, ref.Name)
	}
	return filepath.Join(s.Dir, ref.Project, ref.Name+extension), nil
}

// readFile reads a regular file that only its user, or root, can have written.
// It never waits: a pipe in a file's place is refused, not opened.
func readFile(file string) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkFile(file, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if len(text) > MaxSize {
		return nil, esc.Errorf(esc.Invalid, "%s is larger than 1 MiB", file)
	}
	return text, nil
}

func checkFile(file string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return esc.Errorf(esc.Invalid, "%s is not a regular file", file)
	case info.Mode().Perm()&0o002 != 0:
		return esc.Errorf(esc.Invalid, "%s can be written by anybody on this machine", file).
			WithHint("chmod o-w %s", file)
	case ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid():
		return esc.Errorf(esc.Invalid, "%s belongs to another user", file).
			WithHint("copy it: what another user can change, escenv does not open")
	}
	return nil
}

// List returns the definitions in the store, sorted. Files whose names are not
// references are passed over.
func (s *Files) List() ([]esc.Ref, error) {
	files, err := filepath.Glob(filepath.Join(globQuote(s.Dir), "*", "*"+extension))
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", s.Dir, err)
	}
	var refs []esc.Ref
	for _, file := range files {
		project := filepath.Base(filepath.Dir(file))
		name := strings.TrimSuffix(filepath.Base(file), extension)
		if ref, err := esc.ParseRef(project+"/"+name, ""); err == nil {
			refs = append(refs, ref)
		}
	}
	sort.Slice(refs, func(i, j int) bool { return refs[i].String() < refs[j].String() })
	return refs, nil
}

// globQuote keeps a directory's own characters from being a pattern.
func globQuote(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}
