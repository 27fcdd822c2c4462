package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/store"
)

func newStore(t *testing.T) *store.Files {
	t.Helper()
	return &store.Files{Dir: filepath.Join(t.TempDir(), "environments")}
}

func ref(t *testing.T, text string) esc.Ref {
	t.Helper()
	r, err := esc.ParseRef(text, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// write is a Write that must work.
func write(t *testing.T, s *store.Files, name, text string) store.Definition {
	t.Helper()
	d, err := s.Write(ref(t, name), store.Change{Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// wantKind checks that err is an *esc.Error of the kind whose words hold text.
func wantKind(t *testing.T, err error, kind esc.Kind, text string) {
	t.Helper()
	var e *esc.Error
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Summary, text) {
		t.Fatalf("got error %v, want kind %s with %q", err, kind, text)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	s := newStore(t)
	written := write(t, s, "shop/dev", "values: {}\n")
	read, err := s.Load(ref(t, "shop/dev"))
	if err != nil {
		t.Fatal(err)
	}
	if string(read.Text) != "values: {}\n" || read.Revision != written.Revision {
		t.Errorf("read %q at %s, wrote %q at %s", read.Text, read.Revision, written.Text, written.Revision)
	}
	if want := filepath.Join(s.Dir, "shop", "dev.yaml"); read.File != want {
		t.Errorf("it is in %s, want %s", read.File, want)
	}
	info, err := os.Stat(read.File)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestAMissingDefinitionSaysHowToMakeIt(t *testing.T) {
	_, err := newStore(t).Load(ref(t, "shop/dev"))
	wantKind(t, err, esc.NotFound, "there is no definition shop/dev")
	var e *esc.Error
	if errors.As(err, &e); !strings.Contains(e.Hint, "escenv env init shop/dev") {
		t.Errorf("hint %q does not say how to make it", e.Hint)
	}
}

func TestAChangeFromAnOldRevisionIsRefused(t *testing.T) {
	s := newStore(t)
	old := write(t, s, "shop/dev", "values: {a: 1}\n")
	write(t, s, "shop/dev", "values: {a: 2}\n")
	_, err := s.Write(ref(t, "shop/dev"), store.Change{Text: []byte("values: {a: 3}\n"), Base: old.Revision})
	wantKind(t, err, esc.Conflict, "was changed meanwhile")
	now, _ := s.Load(ref(t, "shop/dev"))
	if string(now.Text) != "values: {a: 2}\n" {
		t.Errorf("the refused change was made: %q", now.Text)
	}
}

func TestCreateRefusesWhatIsThere(t *testing.T) {
	s := newStore(t)
	write(t, s, "shop/dev", "values: {}\n")
	_, err := s.Write(ref(t, "shop/dev"), store.Change{Create: true})
	wantKind(t, err, esc.Conflict, "shop/dev exists already")
	_, err = s.Write(ref(t, "Shop/Dev"), store.Change{Create: true})
	wantKind(t, err, esc.Conflict, "differ only in case")
}

// Of many writers from one revision, one wins, and nothing is torn.
func TestOneOfManyWritersWins(t *testing.T) {
	s := newStore(t)
	base := write(t, s, "shop/dev", "values: {}\n").Revision
	var wg sync.WaitGroup
	wins := make(chan string, 32)
	for i := range 32 {
		wg.Go(func() {
			text := fmt.Sprintf("values: {writer: %d}\n", i)
			if _, err := s.Write(ref(t, "shop/dev"), store.Change{Text: []byte(text), Base: base}); err == nil {
				wins <- text
			}
		})
	}
	wg.Wait()
	close(wins)
	now, err := s.Load(ref(t, "shop/dev"))
	if len(wins) != 1 || err != nil {
		t.Fatalf("%d writers won, %v; want 1", len(wins), err)
	}
	if winner := <-wins; winner != string(now.Text) {
		t.Errorf("the winner wrote %q and %q is there", winner, now.Text)
	}
}

func TestListIsSortedAndSkipsWhatIsNoReference(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"shop/prod", "blog/dev", "shop/dev"} {
		write(t, s, name, "values: {}\n")
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "shop", "-bad name.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refs, err := s.List()
	var names []string
	for _, r := range refs {
		names = append(names, r.String())
	}
	if want := []string{"blog/dev", "shop/dev", "shop/prod"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("got %v, %v; want %v", names, err, want)
	}
}

func TestRemoveTakesTheEmptyProjectAlong(t *testing.T) {
	s := newStore(t)
	write(t, s, "shop/dev", "values: {}\n")
	if err := s.Remove(ref(t, "shop/dev")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "shop")); !os.IsNotExist(err) {
		t.Errorf("the empty project is still there: %v", err)
	}
	wantKind(t, s.Remove(ref(t, "shop/dev")), esc.NotFound, "shop/dev")
}

func TestHostileFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "def.yaml")
	plant := map[string]func() error{
		"is not a regular file":    func() error { return syscall.Mkfifo(path, 0o600) },
		"written by anybody":       func() error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o666)) },
		"is longer than 1 MiB":     func() error { return os.WriteFile(path, make([]byte, store.MaxSize+1), 0o600) },
		"changed while it was bei": func() error { return os.WriteFile(path, []byte("values: {}"), 0o600) },
	}
	for words, put := range plant {
		t.Run(words, func(t *testing.T) {
			if err := put(); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(path)
			_, err := newStore(t).Load(esc.Ref{Path: path, Digest: strings.Repeat("0", 64)})
			var e *esc.Error
			if !errors.As(err, &e) || !strings.Contains(e.Summary, words) {
				t.Errorf("got %v, want %q", err, words)
			}
		})
	}
}

func TestADefinitionItsGroupCanWriteIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "def.yaml")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o660)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 && os.Geteuid() == os.Getegid() {
		t.Skip("the group is the user's alone")
	}
	_, err := newStore(t).Load(esc.Ref{Path: path})
	wantKind(t, err, esc.Invalid, "can be written by its group")
	var e *esc.Error
	if errors.As(err, &e) && e.Hint != "chmod g-w "+path {
		t.Errorf("hint %q", e.Hint)
	}
}

func TestAForeignersFileIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	path := filepath.Join(t.TempDir(), "def.yaml")
	if err := errors.Join(os.WriteFile(path, []byte("values: {}"), 0o600), os.Chown(path, 4242, 4242)); err != nil {
		t.Fatal(err)
	}
	_, err := newStore(t).Load(esc.Ref{Path: path})
	wantKind(t, err, esc.Invalid, "belongs to another user")
}

func TestASymbolicLinkStays(t *testing.T) {
	s := newStore(t)
	target := filepath.Join(t.TempDir(), "dotfiles.yaml")
	link := filepath.Join(s.Dir, "shop", "dev.yaml")
	err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o700), os.WriteFile(target, []byte("values: {}\n"), 0o640), os.Symlink(target, link))
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, "shop/dev", "values: {a: 1}\n")
	if got, err := os.ReadFile(target); err != nil || string(got) != "values: {a: 1}\n" {
		t.Errorf("the link's target holds %q, %v", got, err)
	}
	if _, err := os.Readlink(link); err != nil {
		t.Errorf("the link was replaced: %v", err)
	}
	if info, _ := os.Stat(target); info.Mode().Perm() != 0o640 {
		t.Errorf("its mode became %v", info.Mode())
	}
}
