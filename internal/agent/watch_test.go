package agent_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"

	"github.com/escenv/escenv/internal/agent"
)

// watching starts a Watch and returns what it tells.
func watching(t *testing.T) (*agent.Watch, chan string) {
	t.Helper()
	told := make(chan string, 100)
	notify, err := agent.SystemNotifier()
	must(t, err)
	w := agent.NewWatch(notify, func(path string) { told <- path })
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

// TestWatchFollowsLinksToLinks: a mounted secret is a link to a file below a
// link to a directory, and the latter is what changes.
func TestWatchFollowsLinksToLinks(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"one", "two", "three"} {
		must(t, os.Mkdir(at(name), 0o700))
		must(t, os.WriteFile(at(name+"/token"), []byte(name), 0o600))
	}
	must(t, os.Symlink("one", at("data")))
	must(t, os.Symlink("data/token", at("token")))
	w, told := watching(t)
	w.File(at("token"))
	for _, next := range []string{"two", "three"} {
		must(t, os.Symlink(next, at("next")))
		must(t, os.Rename(at("next"), at("data")))
		tells(t, told, at("data"))
		w.File(at("token"))
	}
	must(t, os.WriteFile(at("three/token"), []byte("x"), 0o600))
	tells(t, told, at("three/token"))
}

// A hand is a notifier that tells what a test wants.
type hand struct {
	t       *testing.T
	events  chan fsnotify.Event
	told    chan string
	watched map[string]bool
}

func newHand(t *testing.T) (*hand, *agent.Watch) {
	h := &hand{t: t, events: make(chan fsnotify.Event), told: make(chan string), watched: map[string]bool{}}
	w := agent.NewWatch(&agent.Notifier{
		Add: func(dir string) error {
			_, err := os.Stat(dir)
			h.watched[dir] = err == nil
			return err
		},
		Remove: func(dir string) error { delete(h.watched, dir); return nil },
		Close:  func() error { close(h.events); return nil },
		Events: h.events,
	}, func(path string) { h.told <- path })
	t.Cleanup(func() { must(t, w.Close()) })
	return h, w
}

// tells lets the Watch know of a change, which has to be told, and checks what
// is watched afterwards.
func (h *hand) tells(op fsnotify.Op, path string, watched ...string) {
	h.t.Helper()
	h.events <- fsnotify.Event{Name: path, Op: op}
	if got := <-h.told; got != path {
		h.t.Errorf("told of %s, want %s", got, path)
	}
	for _, dir := range watched {
		if !h.watched[dir] {
			h.t.Errorf("after news of %s, %s is not watched", path, dir)
		}
	}
}

func TestWatchWaitsForDirectories(t *testing.T) {
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	h, w := newHand(t)
	w.File(at("a/b/c/dev.yaml"))
	w.Tree(at("a/tree"))
	for range 2 {
		must(t, os.Mkdir(at("a"), 0o700))
		h.tells(fsnotify.Create, at("a"), at("a"))
		must(t, os.MkdirAll(at("a/b/c"), 0o700)) // two at once
		h.tells(fsnotify.Create, at("a/b"), at("a/b/c"))
		h.tells(fsnotify.Create, at("a/b/c/dev.yaml"))
		must(t, os.MkdirAll(at("a/tree/shop"), 0o700))
		h.tells(fsnotify.Create, at("a/tree"), at("a/tree"), at("a/tree/shop"))
		h.tells(fsnotify.Create, at("a/tree/shop/dev.yaml"))
		must(t, os.RemoveAll(at("a")))
		for _, dir := range []string{"a/tree/shop", "a/tree", "a/b/c", "a"} {
			h.tells(fsnotify.Remove, at(dir))
		}
	}
}

// A refusing notifier has no more watches to give, or loses what it should
// tell.
func refusing(add error) (*agent.Notifier, chan<- error) {
	events, errs := make(chan fsnotify.Event), make(chan error)
	return &agent.Notifier{
		Add: func(string) error { return add }, Remove: func(string) error { return nil },
		Close:  func() error { close(events); return nil },
		Events: events, Errors: errs,
	}, errs
}

// TestWithoutWatchesFilesAreLookedAtOnUse: a user may have watches for so many
// directories only.
func TestWithoutWatchesFilesAreLookedAtOnUse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dev.yaml")
	must(t, os.WriteFile(file, []byte("one"), 0o600))
	notify, _ := refusing(unix.ENOSPC)
	w := agent.NewWatch(notify, func(path string) { t.Errorf("told of %s", path) })
	w.File(file)
	w.Tree(filepath.Dir(file))
	cache, _ := cacheOf(&bakery{life: time.Hour, sources: []string{file}})
	wants(t, loaf(t, cache), "1")
	must(t, os.WriteFile(file, []byte("another"), 0o600))
	wants(t, loaf(t, cache), "2")
	must(t, w.Close())
}

func TestWhatIsLostIsToldOfAltogether(t *testing.T) {
	dir, told := t.TempDir(), make(chan string, 2)
	notify, errs := refusing(nil)
	w := agent.NewWatch(notify, func(path string) { told <- path })
	w.File(filepath.Join(dir, "dev.yaml"))
	errs <- fsnotify.ErrEventOverflow
	if got := <-told; got != dir {
		t.Errorf("told of %s", got)
	}
	must(t, w.Close())
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
