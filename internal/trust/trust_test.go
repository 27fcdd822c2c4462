package trust_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/trust"
)

func newStore(t *testing.T) trust.Store {
	return trust.Store{Dir: filepath.Join(t.TempDir(), "state", "trust"), UID: os.Getuid()}
}

func expect(t *testing.T, s trust.Store, path, digest string, want esc.Verdict) {
	t.Helper()
	got, err := s.Check(path, digest)
	if err != nil || got != want {
		t.Errorf("Check(%s, %s) = %v, %v; want %v", path, digest, got, err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestADecisionIsAboutAPathAndItsContent(t *testing.T) {
	s := newStore(t)
	expect(t, s, "/p/.escenv", "d1", esc.Undecided)
	must(t, s.Allow("/p/.escenv", "d1"))
	expect(t, s, "/p/.escenv", "d1", esc.Allowed)
	expect(t, s, "/p/.escenv", "d2", esc.Undecided) // edited
	expect(t, s, "/q/.escenv", "d1", esc.Undecided) // moved
}

func TestBothBranchesStayAllowed(t *testing.T) {
	s := newStore(t)
	must(t, s.Allow("/p", "d1"))
	must(t, s.Allow("/p", "d2"))
	must(t, s.Allow("/p", "d2"))
	expect(t, s, "/p", "d1", esc.Allowed)
	expect(t, s, "/p", "d2", esc.Allowed)
	for i := range 40 {
		must(t, s.Allow("/p", fmt.Sprint("later", i)))
	}
	expect(t, s, "/p", "d1", esc.Undecided)
	expect(t, s, "/p", "later39", esc.Allowed)
}

func TestRevokedIsAsIfNothingHadBeenDecided(t *testing.T) {
	s := newStore(t)
	must(t, s.Allow("/p", "d1"))
	must(t, s.Deny("/q"))
	for _, path := range []string{"/p", "/q"} {
		if had, err := s.Revoke(path); !had || err != nil {
			t.Errorf("Revoke(%s) = %v, %v", path, had, err)
		}
		expect(t, s, path, "d1", esc.Undecided)
	}
	if had, err := s.Revoke("/p"); had || err != nil {
		t.Errorf("a second Revoke = %v, %v", had, err)
	}
}

func TestPruneForgetsWhatIsGone(t *testing.T) {
	s := newStore(t)
	odd := "/odd \n\"path/.escenv"
	for _, path := range []string{"/kept/.escenv", "/gone/.escenv", odd} {
		must(t, s.Allow(path, "d1"))
	}
	must(t, s.Deny("/denied/.escenv"))
	// One that an older escenv wrote, and one that is named after another path.
	must(t, os.WriteFile(filepath.Join(s.Dir, strings.Repeat("ab", 32)), []byte("allow 00\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(s.Dir, strings.Repeat("cd", 32)), []byte("path \"/gone/.escenv\"\n"), 0o600))
	gone, err := s.Prune(func(path string) bool { return path == "/kept/.escenv" })
	if want := []string{"/denied/.escenv", "/gone/.escenv", odd}; err != nil || !slices.Equal(gone, want) {
		t.Errorf("Prune = %q, %v; want %q", gone, err, want)
	}
	expect(t, s, "/kept/.escenv", "d1", esc.Allowed)
	expect(t, s, "/gone/.escenv", "d1", esc.Undecided)
	expect(t, s, "/denied/.escenv", "d1", esc.Undecided)
	if left, _ := os.ReadDir(s.Dir); len(left) != 3 {
		t.Errorf("%d records are left, want 3", len(left))
	}
}

func TestDenyIsAboutThePathUntilAllowed(t *testing.T) {
	s := newStore(t)
	must(t, s.Allow("/p", "d1"))
	must(t, s.Deny("/p"))
	expect(t, s, "/p", "d1", esc.Denied)
	expect(t, s, "/p", "d2", esc.Denied)
	must(t, s.Allow("/p", "d2"))
	expect(t, s, "/p", "d2", esc.Allowed)
	expect(t, s, "/p", "d1", esc.Undecided)
}

func TestRecordsArePrivate(t *testing.T) {
	s := newStore(t)
	must(t, s.Allow("/p", "d1"))
	info, err := os.Stat(s.Dir)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory's mode is %v", info.Mode())
	}
	entries, err := os.ReadDir(s.Dir)
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("%d files instead of one record", len(entries))
	}
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		text, err := os.ReadFile(filepath.Join(s.Dir, e.Name()))
		if err != nil || !regexp.MustCompile(`^path "/p"\nallow [0-9a-f]{64}\n$`).Match(text) {
			t.Errorf("the record says %q, %v", text, err)
		}
	}
}

// TestForgedRecords are ways in which somebody else could have put a record
// where it is looked for.
func TestForgedRecords(t *testing.T) {
	for name, forge := range map[string]func(t *testing.T, s trust.Store, record string){
		"writable by others": func(t *testing.T, _ trust.Store, record string) { must(t, os.Chmod(record, 0o622)) },
		"symbolic link": func(t *testing.T, _ trust.Store, record string) {
			elsewhere := filepath.Join(t.TempDir(), "record")
			must(t, os.Rename(record, elsewhere))
			must(t, os.Symlink(elsewhere, record))
		},
		"directory": func(t *testing.T, _ trust.Store, record string) {
			must(t, os.Remove(record))
			must(t, os.Mkdir(record, 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			must(t, s.Allow("/p", "d1"))
			records, err := filepath.Glob(filepath.Join(s.Dir, "*"))
			must(t, err)
			forge(t, s, records[0])
			if got, err := s.Check("/p", "d1"); err == nil || got != esc.Undecided {
				t.Errorf("Check = %v, %v; want an error", got, err)
			}
		})
	}
	t.Run("of another user", func(t *testing.T) {
		s := newStore(t)
		must(t, s.Allow("/p", "d1"))
		s.UID++
		if got, err := s.Check("/p", "d1"); err == nil || got != esc.Undecided {
			t.Errorf("Check = %v, %v; want an error", got, err)
		}
	})
}

func TestADirectoryOpenToOthersIsNotWrittenTo(t *testing.T) {
	s := newStore(t)
	must(t, os.MkdirAll(s.Dir, 0o700))
	must(t, os.Chmod(s.Dir, 0o770))
	if err := s.Allow("/p", "d1"); err == nil {
		t.Error("a record was written where others can write")
	}
}

// FuzzRecord: whatever a record holds, only the very line that Allow writes
// allows.
func FuzzRecord(f *testing.F) {
	f.Add([]byte("allow \n"))
	f.Add([]byte("deny\nallow x\n"))
	f.Add([]byte{0, 255, '\n'})
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newStore(t)
		must(t, s.Deny("/p"))
		records, _ := filepath.Glob(filepath.Join(s.Dir, "*"))
		must(t, os.WriteFile(records[0], text, 0o600))
		if got, err := s.Check("/p", "d1"); err != nil && len(text) <= 16<<10 || got == esc.Allowed {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	})
}
