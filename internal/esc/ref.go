package esc

import (
	"path/filepath"
	"strings"
)

// A Ref names a definition: one in a store, "[store:]project/name[@revision]",
// or a file kept beside the code, by its path.
type Ref struct {
	Store    string `json:"store,omitempty"` // empty for the default store
	Project  string `json:"project,omitempty"`
	Name     string `json:"name,omitempty"`
	Revision string `json:"revision,omitempty"` // empty for the newest
	Path     string `json:"path,omitempty"`     // absolute; all of the above are empty then
	Digest   string `json:"digest,omitempty"`   // with Path: the SHA-256 its content must have, in hex, if not empty
}

// maxSegment is the longest project, name, store or revision.
const maxSegment = 100

// ParseRef reads a reference. A path, which begins with "./" or "../" or "/",
// is taken relative to dir.
func ParseRef(text, dir string) (Ref, error) {
	if strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") || strings.HasPrefix(text, "/") {
		return parsePath(text, dir)
	}
	var r Ref
	rest := text
	if store, after, ok := strings.Cut(rest, ":"); ok {
		r.Store, rest = store, after
		if !validSegment(store) {
			return Ref{}, badRef(text, "its store %.120q is not a name", store)
		}
	}
	if before, revision, ok := strings.Cut(rest, "@"); ok {
		r.Revision, rest = revision, before
		if !validSegment(revision) {
			return Ref{}, badRef(text, "its revision %.120q is not a name", revision)
		}
	}
	project, name, ok := strings.Cut(rest, "/")
	if !ok {
		return Ref{}, badRef(text, "it has no project")
	}
	for _, s := range []string{project, name} {
		if !validSegment(s) {
			return Ref{}, badRef(text, "%.120q is not a name: use up to 100 letters, digits, '-', '_' and '.', beginning with a letter or digit", s)
		}
	}
	r.Project, r.Name = project, name
	return r, nil
}

func parsePath(text, dir string) (Ref, error) {
	if strings.ContainsRune(text, 0) {
		return Ref{}, badRef(text, "it holds a NUL byte")
	}
	path := text
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if !filepath.IsAbs(path) {
		return Ref{}, badRef(text, "it is relative to %q, which is not absolute", dir)
	}
	return Ref{Path: filepath.Clean(path)}, nil
}

func badRef(text, format string, args ...any) error {
	e := Errorf(Invalid, "%.120q does not name an environment: "+format, append([]any{text}, args...)...)
	return e.WithHint("write it as project/name, or ./file.yaml for a file kept beside the code")
}

// validSegment accepts what is safe as a file name on every system and in
// every message.
func validSegment(s string) bool {
	if s == "" || len(s) > maxSegment || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '-' || c == '_' || c == '.'):
		default:
			return false
		}
	}
	return true
}

// String returns the reference as it is written.
func (r Ref) String() string {
	if r.Path != "" {
		return r.Path
	}
	s := r.Project + "/" + r.Name
	if r.Store != "" {
		s = r.Store + ":" + s
	}
	if r.Revision != "" {
		s += "@" + r.Revision
	}
	return s
}
