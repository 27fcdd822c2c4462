package safefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/escenv/escenv/internal/safefile"
)

// wantOnly checks that a file, and nothing else, is in its directory.
func wantOnly(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	info, statErr := os.Lstat(path)
	must(t, err, statErr)
	if string(got) != text || info.Mode() != mode {
		t.Errorf("%q with mode %v, want %q with %v", got, info.Mode(), text, mode)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("there is %v", entries)
	}
}

func TestReplace(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077)) // which must not matter
	path := filepath.Join(t.TempDir(), "file")
	must(t, safefile.Replace(path, []byte("one"), 0o600))
	wantOnly(t, path, "one", 0o600)
	must(t, safefile.Replace(path, []byte("two"), 0o644))
	wantOnly(t, path, "two", 0o644)
}

// A link in the file's place is no way to another file.
func TestReplaceReplacesALink(t *testing.T) {
	target := write(t, "precious", 0o600)
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.Symlink(target, path))
	must(t, safefile.Replace(path, []byte("one"), 0o600))
	wantOnly(t, path, "one", 0o600)
	wantOnly(t, target, "precious", 0o600)
}

// What cannot be put in place leaves nothing behind.
func TestReplaceThatFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.MkdirAll(filepath.Join(path, "full"), 0o700))
	if err := safefile.Replace(path, nil, 0o600); err == nil {
		t.Error("a directory was replaced")
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("there is %v", entries)
	}
	if err := safefile.Replace(path+"/no/file", nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no directory: %v", err)
	}
}

// A reader sees one text or another, never a part or a mixture.
func TestNoReaderSeesHalfAFile(t *testing.T) {
	path := write(t, strings.Repeat("0", 1000), 0o600)
	var writers sync.WaitGroup
	for _, digit := range "123456789" {
		writers.Go(func() {
			for range 20 {
				if err := safefile.Replace(path, []byte(strings.Repeat(string(digit), 1000)), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for {
		text, _, err := safefile.Read(path, rule(safefile.Private))
		if err != nil || len(text) != 1000 || strings.Trim(string(text), string(text[0])) != "" {
			t.Errorf("read %q, %v", text, err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestCreateLeavesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o700))
	root, err := safefile.OpenDir(dir, rule(safefile.Private))
	must(t, err)
	defer root.Close()
	must(t, safefile.CreateIn(root, "file", []byte("one"), 0o600))
	if err := safefile.CreateIn(root, "file", []byte("two"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating it again: %v", err)
	}
	wantOnly(t, filepath.Join(dir, "file"), "one", 0o600)
}

// Nothing is written where a link leads out of the directory.
func TestWritesStayBelowTheDirectory(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	must(t, os.Symlink(outside, filepath.Join(dir, "sub")))
	root, err := safefile.OpenDir(dir, rule(safefile.Public))
	must(t, err)
	defer root.Close()
	if safefile.ReplaceIn(root, "sub/file", nil, 0o600) == nil || safefile.CreateIn(root, "sub/file", nil, 0o600) == nil {
		t.Error("written through a link")
	}
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("wrote %v outside", entries)
	}
}
