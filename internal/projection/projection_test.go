package projection_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/projection"
)

func newBase(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "escenv", "files")
}

func open(t *testing.T, base string, owner int) *projection.Run {
	t.Helper()
	run, err := projection.Open(base, owner)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func file(name, content string) esc.File {
	return esc.File{Name: name, Content: esc.NewSecret(content)}
}

func write(t *testing.T, run *projection.Run, files ...esc.File) map[string]string {
	t.Helper()
	paths, err := run.Write(files)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// tree returns what is below dir: content of files, mode and / of directories,
// owners' names without what makes them theirs.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == dir {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if number, rest, ok := strings.Cut(rel, "."); ok && number != "" {
			_, below, _ := strings.Cut(rest, "/")
			rel = filepath.Join("OWNER", below)
		}
		found[rel] = info.Mode().String()
		if info.Mode().IsRegular() {
			text, _ := os.ReadFile(path)
			found[rel] += " " + string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFilesAreTheUsersAlone(t *testing.T) {
	base := newBase(t)
	paths := write(t, open(t, base, os.Getpid()), file("KUBECONFIG", "hunter2"), file("EMPTY", ""))
	want := map[string]string{
		".": "drwx------", "OWNER": "drwx------", "OWNER/KUBECONFIG": "-rw------- hunter2", "OWNER/EMPTY": "-rw------- ",
	}
	if diff := cmp.Diff(want, tree(t, base)); diff != "" {
		t.Error(diff)
	}
	for name, path := range paths {
		if filepath.Dir(filepath.Dir(path)) != base || filepath.Base(path) != name {
			t.Errorf("%s is at %s", name, path)
		}
	}
	if len(paths) != 2 {
		t.Errorf("got the paths %v", paths)
	}
}

func TestNothingIsMadeWithoutFiles(t *testing.T) {
	base := newBase(t)
	run := open(t, base, os.Getpid())
	if paths := write(t, run); len(paths) != 0 {
		t.Errorf("got %v", paths)
	}
	if err := errors.Join(run.Remove(), projection.Sweep(base)); err != nil {
		t.Error(err)
	}
	if left := tree(t, filepath.Dir(base)); len(left) != 0 {
		t.Errorf("there is %v", left)
	}
}

func TestWritingAgainChangesWhatChanged(t *testing.T) {
	base := newBase(t)
	run := open(t, base, os.Getpid())
	paths := write(t, run, file("SAME", "one"), file("OTHER", "two"), file("GONE", "three"))
	same, err := os.Stat(paths["SAME"])
	if err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(paths["OTHER"])
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()

	write(t, run, file("SAME", "one"), file("OTHER", "four"))
	want := map[string]string{".": "drwx------", "OWNER": "drwx------", "OWNER/SAME": "-rw------- one", "OWNER/OTHER": "-rw------- four"}
	if diff := cmp.Diff(want, tree(t, base)); diff != "" {
		t.Error(diff)
	}
	if now, err := os.Stat(paths["SAME"]); err != nil || !os.SameFile(same, now) {
		t.Errorf("the file that did not change is another one: %v", err)
	}
	text := make([]byte, 9)
	if n, _ := reader.Read(text); string(text[:n]) != "two" {
		t.Errorf("who had the old file open reads %q", text[:n])
	}
	write(t, run)
	if diff := cmp.Diff(map[string]string{".": "drwx------"}, tree(t, base)); diff != "" {
		t.Error(diff)
	}
}

func TestRemoveTakesOnlyTheOwnersFiles(t *testing.T) {
	base := newBase(t)
	mine, parents := open(t, base, os.Getpid()), open(t, base, os.Getppid())
	write(t, mine, file("A", "mine"))
	paths := write(t, parents, file("A", "parent's"))
	if err := mine.Remove(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(base)
	if err != nil || len(entries) != 1 || filepath.Dir(paths["A"]) != filepath.Join(base, entries[0].Name()) {
		t.Errorf("there is %v, %v", entries, err)
	}
}

func TestWhatNoFileCanBeIsRefused(t *testing.T) {
	for name, bad := range map[string]esc.File{
		"a way up":         file("../A", "x"),
		"a directory":      file("A/B", "x"),
		"this directory":   file(".", "x"),
		"no name":          file("", "x"),
		"a NUL":            file("A\x00", "x"),
		"an absolute path": file("/etc/passwd", "x"),
		"an object":        {Name: "A", Content: esc.New(map[string]esc.Value{})},
		"unknown":          {Name: "A", Content: esc.Unknown()},
	} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			_, err := open(t, base, os.Getpid()).Write([]esc.File{file("GOOD", "x"), bad})
			var e *esc.Error
			if !errors.As(err, &e) || e.Kind != esc.Invalid {
				t.Errorf("got %v", err)
			}
			if left := tree(t, filepath.Dir(base)); len(left) != 0 {
				t.Errorf("there is %v", left)
			}
		})
	}
}

func TestDirectoriesOthersCanReachAreRefused(t *testing.T) {
	mkdir := func(t *testing.T, dir string, mode fs.FileMode) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chmod(dir, mode)); err != nil {
			t.Fatal(err)
		}
	}
	link := func(t *testing.T, at string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.Symlink(t.TempDir(), at)); err != nil {
			t.Fatal(err)
		}
	}
	for name, prepare := range map[string]func(t *testing.T, base, owner string){
		"others may look into escenv":  func(t *testing.T, base, _ string) { mkdir(t, filepath.Dir(base), 0o755) },
		"others may look into files":   func(t *testing.T, base, _ string) { mkdir(t, base, 0o750) },
		"others may look at the owner": func(t *testing.T, _, owner string) { mkdir(t, owner, 0o701) },
		"escenv is a link":             func(t *testing.T, base, _ string) { link(t, filepath.Dir(base)) },
		"files is a link":              func(t *testing.T, base, _ string) { link(t, base) },
		"the owner's is a link":        func(t *testing.T, _, owner string) { link(t, owner) },
		"escenv is another user's": func(t *testing.T, base, _ string) {
			mkdir(t, filepath.Dir(base), 0o700)
			if os.Geteuid() != 0 || os.Chown(filepath.Dir(base), 12345, -1) != nil {
				t.Skip("only root can make another user's directory")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			run := open(t, base, os.Getpid())
			owner := filepath.Dir(write(t, run, file("A", "x"))["A"])
			if err := os.RemoveAll(filepath.Dir(base)); err != nil {
				t.Fatal(err)
			}
			prepare(t, base, owner)
			_, err := run.Write([]esc.File{file("A", "hunter2")})
			var e *esc.Error
			if !errors.As(err, &e) || e.Kind != esc.Refused || e.Hint == "" {
				t.Errorf("got %v", err)
			}
			for path, is := range tree(t, filepath.Dir(base)) {
				if strings.Contains(is, "hunter2") {
					t.Errorf("%s is %s", path, is)
				}
			}
		})
	}
}

// A child is a process that does nothing until it is told to end.
type child struct {
	*exec.Cmd
	end func()
}

func start(t *testing.T) child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() { stdin.Close() })
	t.Cleanup(func() { end(); _ = cmd.Wait() })
	return child{cmd, end}
}

func TestSweepRemovesWhatDeadOwnersLeft(t *testing.T) {
	base := newBase(t)
	alive := write(t, open(t, base, os.Getpid()), file("A", "alive"))["A"]
	owner := start(t)
	run := open(t, base, owner.Process.Pid)
	dead := write(t, run, file("A", "dead"))["A"]

	if err := projection.Sweep(base); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); err != nil {
		t.Fatalf("a living owner's files were swept away: %v", err)
	}
	owner.end() // and nobody waits for it: it is a zombie
	for deadline := time.Now().Add(10 * time.Second); !missing(dead); {
		if err := projection.Sweep(base); err != nil || time.Now().After(deadline) {
			t.Fatalf("a dead owner's files are still there: %v", err)
		}
	}
	if missing(alive) {
		t.Error("this process's files were swept away")
	}
}

func missing(path string) bool {
	_, err := os.Stat(filepath.Dir(path))
	return errors.Is(err, fs.ErrNotExist)
}

func TestSweepLeavesWhatIsNotItsOwn(t *testing.T) {
	base := newBase(t)
	mine := filepath.Dir(write(t, open(t, base, os.Getpid()), file("A", "x"))["A"])
	name := filepath.Base(mine)
	pid, began, _ := strings.Cut(name, ".")
	for name, goes := range map[string]bool{
		pid + ".1" + began:    true,  // a number that was used before
		name:                  false, // itself
		"keep":                false,
		pid + "." + began[:1]: false, // no process has that name
		"0." + began:          false,
		"-1." + began:         false,
		"999999999.1.1":       false, // of a container that shares the directory, perhaps
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.MkdirAll(filepath.Join(base, name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := projection.Sweep(base); err != nil {
				t.Fatal(err)
			}
			if got := missing(filepath.Join(base, name, "A")); got != goes {
				t.Errorf("swept away: %v, want %v", got, goes)
			}
		})
	}
}

func TestSweepDoesNotFollowLinks(t *testing.T) {
	base := newBase(t)
	mine := filepath.Dir(write(t, open(t, base, os.Getpid()), file("A", "x"))["A"])
	precious := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stale := strings.Replace(mine, ".", ".1", 1)
	if err := os.Symlink(filepath.Dir(precious), stale); err != nil {
		t.Fatal(err)
	}
	if err := projection.Sweep(base); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link is still there: %v", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestManyOwnersAtOnce(t *testing.T) {
	base := newBase(t)
	owners := []int{os.Getpid(), os.Getppid(), start(t).Process.Pid, start(t).Process.Pid}
	var all sync.WaitGroup
	for _, pid := range owners {
		all.Go(func() {
			for range 20 {
				run, err := projection.Open(base, pid)
				if err == nil {
					_, err = run.Write([]esc.File{file("A", "x"), file("B", "y")})
				}
				if err = errors.Join(err, projection.Sweep(base)); err != nil {
					t.Errorf("owner %d: %v", pid, err)
					return
				}
			}
		})
	}
	all.Wait()
	if entries, err := os.ReadDir(base); err != nil || len(entries) != len(owners) {
		t.Errorf("%d owners left %v, %v", len(owners), entries, err)
	}
}

func TestOpenNeedsAnOwner(t *testing.T) {
	owner := start(t)
	owner.end()
	_ = owner.Wait()
	for _, pid := range []int{owner.Process.Pid, 0, -1} {
		if _, err := projection.Open(newBase(t), pid); err == nil {
			t.Errorf("%d owns files", pid)
		}
	}
}

func TestBaseIsWhereNobodyElseCanWrite(t *testing.T) {
	private, public := t.TempDir(), t.TempDir()
	if err := os.Chmod(public, 0o777); err != nil {
		t.Fatal(err)
	}
	uid := os.Geteuid()
	for name, tc := range map[string]struct {
		runtime string
		want    string // nothing: an error
	}{
		"the session's":        {private, filepath.Join(private, "escenv", "files")},
		"open to everybody":    {public, ""},
		"not there":            {filepath.Join(private, "missing"), ""},
		"relative: not of XDG": {"run", fallback(uid)},
		"not set":              {"", fallback(uid)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := projection.Base(func(name string) string {
				return map[string]string{"XDG_RUNTIME_DIR": tc.runtime, "TMPDIR": "/tmp"}[name]
			}, uid)
			if (err != nil) != (tc.want == "") || tc.want != "" && got != tc.want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

// The owner of a directory like /tmp can move what is in it, and put something
// else there.
func TestBaseIsInNoStrangersDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	place := t.TempDir()
	base := func() error {
		_, err := projection.Base(func(string) string { return place }, os.Geteuid())
		return err
	}
	if err := os.Chmod(place, os.ModeSticky|0o777); err != nil {
		t.Fatal(err)
	}
	if err := base(); err != nil {
		t.Errorf("our own: %v", err)
	}
	if err := os.Chown(place, 12345, -1); err != nil {
		t.Fatal(err)
	}
	if base() == nil {
		t.Error("a stranger's directory will do")
	}
}
