// Package trust remembers which .escenv files the user allowed, by path and
// content, and which they denied, by path.
//
// There is one small file per .escenv, named after its path, so that asking
// costs one open. It holds the path and digests: what was allowed never leaves
// the project.
package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
)

// maxAllowed is how many contents of one path stay allowed, so that switching
// between two branches does not ask each time.
const maxAllowed = 32

// usualText is more than is mostly summed up, in bytes.
const usualText = 512

// maxRecord is the longest record that is read, in bytes.
const maxRecord = 16 << 10

// A Store keeps decisions below a directory that belongs to the user alone.
type Store struct {
	Dir string // absolute; made when the first decision is written
	UID int    // the user, whose records alone count
}

// Check returns what was decided about the file at path, which is canonical,
// with content of that digest. A record that others could have written is an
// error, and counts as Undecided.
func (s Store) Check(path, digest string) (esc.Verdict, error) {
	lines, err := s.read(path)
	wanted := decision(path, digest)
	allows := func(line string) bool {
		allowed, ok := strings.CutPrefix(line, "allow ")
		return ok && allowed == wanted
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return esc.Undecided, nil
	case err != nil:
		return esc.Undecided, err
	case slices.Contains(lines, "deny"):
		return esc.Denied, nil
	case slices.ContainsFunc(lines, allows):
		return esc.Allowed, nil
	}
	return esc.Undecided, nil
}

// Allow records that the file at path may be used as long as its content has
// that digest. It takes back a Deny.
func (s Store) Allow(path, digest string) error {
	lines, err := s.read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	line := "allow " + decision(path, digest)
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == line || !strings.HasPrefix(l, "allow ") })
	lines = append(lines, line)
	return s.write(path, lines[max(0, len(lines)-maxAllowed):])
}

// Revoke forgets what was decided about the file at path, and reports whether
// anything had been.
func (s Store) Revoke(path string) (bool, error) {
	err := os.Remove(s.record(path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Prune forgets what was decided about files that are gone, and returns their
// paths, sorted. Whether one is there is for the caller to find out.
func (s Store) Prune(there func(path string) bool) (gone []string, err error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range entries {
		path, readErr := s.pathIn(entry.Name())
		if readErr != nil || path == "" || there(path) {
			continue // a record of an older escenv knows no path
		}
		removeErr := os.Remove(filepath.Join(s.Dir, entry.Name()))
		err = errors.Join(err, removeErr)
		if removeErr == nil {
			gone = append(gone, path)
		}
	}
	slices.Sort(gone)
	return gone, err
}

// pathIn returns the path that a record is about, if it tells and is named
// after it.
func (s Store) pathIn(record string) (string, error) {
	text, _, err := safefile.Read(filepath.Join(s.Dir, record), s.rule())
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		quoted, ok := strings.CutPrefix(strings.TrimSpace(line), "path ")
		path, err := strconv.Unquote(quoted)
		if ok && err == nil && sum(path) == record {
			return path, nil
		}
	}
	return "", nil
}

// Deny records that the file at path is not to be used, whatever it says, and
// forgets what was allowed.
func (s Store) Deny(path string) error { return s.write(path, []string{"deny"}) }

// decision binds a digest to the path it was allowed at.
func decision(path, digest string) string { return sum(path, "\n", digest) }

func (s Store) record(path string) string { return filepath.Join(s.Dir, sum(path)) }

// sum returns the SHA-256, in hex, of what parts make together.
func sum(parts ...string) string {
	text := make([]byte, 0, usualText)
	for _, part := range parts {
		text = append(text, part...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// read returns the lines of the record of path.
func (s Store) read(path string) ([]string, error) {
	text, _, err := safefile.Read(s.record(path), s.rule())
	if err != nil {
		return nil, fmt.Errorf("reading what was decided about %s: %w", path, err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}

// write replaces the record of path in one step.
func (s Store) write(path string, lines []string) error {
	err := os.MkdirAll(s.Dir, 0o700)
	if err == nil {
		lines = append([]string{"path " + strconv.Quote(path)}, lines...)
		err = s.put(filepath.Base(s.record(path)), strings.Join(lines, "\n")+"\n")
	}
	if err != nil {
		return fmt.Errorf("recording the decision about %s: %w", path, err)
	}
	return nil
}

func (s Store) put(name, text string) error {
	root, err := safefile.OpenDir(s.Dir, s.rule())
	if err != nil {
		return err
	}
	defer root.Close()
	return safefile.ReplaceIn(root, name, []byte(text), 0o600)
}

func (s Store) rule() safefile.Rule {
	return safefile.Rule{UID: s.UID, Access: safefile.Private, Max: maxRecord, NoFollow: true}
}
