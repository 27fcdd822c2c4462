// Package store keeps definitions: today as files, one a definition, below a
// directory of the user's.
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
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

// readFile reads a file that only its user, or root, can have written.
func readFile(file string) ([]byte, error) {
	rule := safefile.Rule{UID: os.Geteuid(), Access: safefile.Trusted, Max: MaxSize}
	text, _, err := safefile.Read(file, rule)
	if unsafe, ok := errors.AsType[*safefile.UnsafeError](err); ok {
		return nil, &esc.Error{Kind: esc.Invalid, Summary: unsafe.Error(), Hint: unsafe.Hint}
	}
	return text, err
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
