package agent_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/escenv/escenv/internal/agent"
)

// watching starts a Watch and returns what it tells.
func watching(t *testing.T) (*agent.Watch, chan string) {
	t.Helper()
	told := make(chan string, 100)
	w, err := agent.NewWatch(func(path string) { told <- path })
	must(t, err)
	t.Cleanup(func() { _ = w.Close() })
	return w, told
}

// tells waits until the Watch tells of path.
func tells(t *testing.T, told chan string, path string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case got := <-told:
			if got == path {
				return
			}
		case <-deadline:
			t.Fatalf("nothing was told of %s", path)
		}
	}
}

// quiet makes sure that the Watch had nothing to tell before it tells of a
// change to marker, a watched file.
func quiet(t *testing.T, told chan string, marker string) {
	t.Helper()
	must(t, os.WriteFile(marker, []byte("now"), 0o600))
	if got := <-told; got != marker {
		t.Errorf("told of %s", got)
	}
}

func TestWatchTellsOfEveryWayAFileChanges(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "dev.yaml"), filepath.Join(dir, "dev.yaml~")
	w, told := watching(t)
	w.File(file) // not there yet
	must(t, os.WriteFile(file, []byte("one"), 0o600))
	tells(t, told, file)
	must(t, os.WriteFile(file, []byte("two"), 0o600))
	tells(t, told, file)
	for range 3 { // as editors save
		must(t, os.WriteFile(other, []byte("three"), 0o600))
		must(t, os.Rename(other, file))
		tells(t, told, file)
	}
	must(t, os.Remove(file))
	tells(t, told, file)
}

func TestWatchIsSilentAboutOtherFilesAndModes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "dev.yaml")
	must(t, os.WriteFile(file, nil, 0o600))
	w, told := watching(t)
	w.File(file)
	must(t, os.WriteFile(filepath.Join(dir, "other.yaml"), []byte("x"), 0o600))
	must(t, os.Chmod(file, 0o400))
	must(t, os.Chmod(file, 0o600))
	quiet(t, told, file)
}

func TestWatchFollowsALinkToItsFile(t *testing.T) {
	real, link := filepath.Join(t.TempDir(), "real.yaml"), filepath.Join(t.TempDir(), "dev.yaml")
	must(t, os.WriteFile(real, nil, 0o600))
	must(t, os.Symlink(real, link))
	w, told := watching(t)
	w.File(link)
	must(t, os.WriteFile(real, []byte("x"), 0o600))
	tells(t, told, real)
	must(t, os.Remove(link))
	tells(t, told, link)
}

func TestWatchFollowsATree(t *testing.T) {
	root := t.TempDir()
	old := filepath.Join(root, "shop")
	must(t, os.Mkdir(old, 0o700))
	w, told := watching(t)
	w.Tree(root)
	must(t, os.WriteFile(filepath.Join(old, "dev.yaml"), nil, 0o600))
	tells(t, told, filepath.Join(old, "dev.yaml"))
	fresh := filepath.Join(root, "fresh")
	must(t, os.Mkdir(fresh, 0o700))
	tells(t, told, fresh)
	must(t, os.WriteFile(filepath.Join(fresh, "dev.yaml"), nil, 0o600))
	tells(t, told, filepath.Join(fresh, "dev.yaml"))
}

func TestWatchSurvivesTheLossOfADirectory(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "shop")
	file := filepath.Join(dir, "dev.yaml")
	w, told := watching(t)
	for range 2 {
		must(t, os.Mkdir(dir, 0o700))
		w.File(file)
		must(t, os.WriteFile(file, nil, 0o600))
		tells(t, told, file)
		must(t, os.RemoveAll(dir))
		tells(t, told, dir)
	}
}

func TestTouchAlwaysGivesAnotherTime(t *testing.T) {
	now := time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC)
	g := &agent.Generation{File: filepath.Join(privateDir(t), "generation"), Now: func() time.Time { return now }}
	must(t, g.TouchIfThere())
	if _, err := os.Stat(g.File); err == nil {
		t.Error("TouchIfThere made the file")
	}
	must(t, g.Ensure())
	must(t, os.Chtimes(g.File, now, now))
	last := now
	for _, step := range []time.Duration{0, 0, -time.Hour, time.Minute, 0} {
		now = now.Add(step)
		must(t, g.Touch())
		info, err := os.Stat(g.File)
		must(t, err)
		if !info.ModTime().After(last) {
			t.Errorf("after %v came %v", last, info.ModTime())
		}
		last = info.ModTime()
	}
}

// TestTouchIsNotLedAstray: below /tmp somebody else may have made the directory.
func TestTouchIsNotLedAstray(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	must(t, os.WriteFile(victim, nil, 0o600))
	long := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(victim, long, long))
	for name, squat := range map[string]func(t *testing.T, file string){
		"a link to a file": func(t *testing.T, file string) { must(t, os.Symlink(victim, file)) },
		"a link to none":   func(t *testing.T, file string) { must(t, os.Symlink(victim+"s", file)) },
		"an open directory": func(t *testing.T, file string) {
			must(t, os.WriteFile(file, nil, 0o600))
			must(t, os.Chmod(filepath.Dir(file), 0o755))
		},
		"a pipe": func(t *testing.T, file string) { must(t, unix.Mkfifo(file, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			g := &agent.Generation{File: filepath.Join(privateDir(t), "generation"), Now: time.Now}
			squat(t, g.File)
			if err := g.TouchIfThere(); err == nil {
				t.Error("it was touched")
			}
			if info, err := os.Stat(victim); err != nil || !info.ModTime().Equal(long) {
				t.Errorf("the victim is %v, %v", info, err)
			}
			if _, err := os.Lstat(victim + "s"); err == nil {
				t.Error("another victim was made")
			}
		})
	}
}
