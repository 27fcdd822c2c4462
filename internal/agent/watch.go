package agent

import (
	"os"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// A Watch tells when files change, appear or go. It watches directories,
// because editors put a new file in the place of the old one. Where the system
// has no more watches to give it tells nothing; a Cache looks at the files it
// rests on anyway.
type Watch struct {
	notify  *fsnotify.Watcher
	changed func(path string)

	mu    sync.Mutex
	dirs  map[string]bool // watched: true if everything in it counts
	files map[string]bool // in watched directories: true if they have not changed since File
	done  chan struct{}
}

// NewWatch starts a Watch that calls changed, one call at a time, with each
// file, or the directory above it, that is not as it was.
func NewWatch(changed func(path string)) (*Watch, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &Watch{
		notify: notify, changed: changed,
		dirs: map[string]bool{}, files: map[string]bool{}, done: make(chan struct{}),
	}
	go w.run()
	return w, nil
}

// File watches a file, which need not be there, in a directory that is. A
// symbolic link is watched at both ends. To ask again costs next to nothing
// until the file changes.
func (w *Watch) File(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, watched := w.dirs[filepath.Dir(path)]; watched && w.files[path] {
		return
	}
	w.file(path)
	if target, err := filepath.EvalSymlinks(path); err == nil && target != path {
		w.file(target)
	}
}

func (w *Watch) file(path string) {
	w.files[path] = true
	w.add(filepath.Dir(path), false)
}

// Tree watches everything in a directory and in the directories below it.
func (w *Watch) Tree(dir string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tree(dir)
}

func (w *Watch) tree(dir string) {
	if !w.add(dir, true) {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() {
			w.tree(filepath.Join(dir, e.Name()))
		}
	}
}

// add watches dir, and reports whether it does.
func (w *Watch) add(dir string, all bool) bool {
	was, watched := w.dirs[dir]
	if !watched && w.notify.Add(dir) != nil {
		return false
	}
	w.dirs[dir] = was || all
	return true
}

// Close ends the Watch. It waits for a call of changed that is under way.
func (w *Watch) Close() error {
	err := w.notify.Close()
	<-w.done
	return err
}

func (w *Watch) run() {
	defer close(w.done)
	for {
		select {
		case event, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if w.counts(event) {
				w.changed(event.Name)
			}
		case _, ok := <-w.notify.Errors:
			if !ok {
				return
			}
		}
	}
}

// counts reports whether an event is about something that is watched, and
// follows directories that come and go.
func (w *Watch) counts(event fsnotify.Event) bool {
	if event.Op == fsnotify.Chmod {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, dir := w.dirs[event.Name]; dir && event.Op.Has(fsnotify.Remove|fsnotify.Rename) {
		delete(w.dirs, event.Name)
		_ = w.notify.Remove(event.Name) // it may have gone by itself
		return true
	}
	inTree := w.dirs[filepath.Dir(event.Name)]
	if inTree && event.Op.Has(fsnotify.Create) && isDir(event.Name) {
		w.tree(event.Name)
	}
	_, watched := w.files[event.Name]
	if watched {
		w.files[event.Name] = false // it may be a link to elsewhere now
	}
	return inTree || watched
}

func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}
