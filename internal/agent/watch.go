package agent

import (
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// A Notifier tells of changes in directories, as fsnotify.Watcher does.
type Notifier struct {
	Add, Remove func(dir string) error
	Close       func() error // ends Events and Errors
	Events      <-chan fsnotify.Event
	Errors      <-chan error
}

// SystemNotifier returns the system's.
func SystemNotifier() (*Notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &Notifier{Add: w.Add, Remove: w.Remove, Close: w.Close, Events: w.Events, Errors: w.Errors}, nil
}

// A Watch tells when files change, appear or go. It watches directories,
// because editors put a new file in the place of the old one; while one is not
// there it watches for it. Where the system has no more watches to give it
// tells nothing: a Cache looks at the files it rests on anyway.
type Watch struct {
	notify  *Notifier
	changed func(path string)

	mu     sync.Mutex
	dirs   map[string]bool // watched: true if everything in it counts
	asked  map[string]bool // what File was asked for: true if it has not changed since
	files  map[string]bool // in watched directories: asked for, or on the way there
	absent map[string]bool // directories that are waited for: true if everything in them will count
	done   chan struct{}
}

// NewWatch starts a Watch that calls changed, one call at a time, with each
// file, or the directory above it, that is not as it was.
func NewWatch(notify *Notifier, changed func(path string)) *Watch {
	w := &Watch{
		notify: notify, changed: changed, done: make(chan struct{}),
		dirs: map[string]bool{}, asked: map[string]bool{}, files: map[string]bool{}, absent: map[string]bool{},
	}
	go w.run()
	return w
}

// File watches a file, which need not be there. Symbolic links on the way are
// watched, too. To ask again costs next to nothing until the file changes.
func (w *Watch) File(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, watched := w.dirs[filepath.Dir(path)]; watched && w.asked[path] {
		return
	}
	w.follow(path)
}

// follow watches a file and the links that lead to it, as they are now.
func (w *Watch) follow(path string) {
	w.asked[path] = true
	w.file(path)
	for _, step := range steps(path) {
		w.file(step)
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

// add watches dir, or waits for it, and reports whether it is watched.
func (w *Watch) add(dir string, all bool) bool {
	was, watched := w.dirs[dir]
	if !watched && w.notify.Add(dir) != nil {
		w.await(dir, all)
		return false
	}
	w.dirs[dir] = was || all
	return true
}

// await watches for the first directory of dir's path that is not there.
func (w *Watch) await(dir string, all bool) {
	parent := filepath.Dir(dir)
	if _, err := os.Lstat(dir); err == nil || parent == dir {
		return // it is there, and the system refuses to watch it
	}
	w.absent[dir] = w.absent[dir] || all
	w.file(dir)
	if isDir(dir) {
		w.came(dir, false) // meanwhile
	}
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
			w.lost()
		}
	}
}

// lost tells of everything: the system had more to tell than it could keep.
func (w *Watch) lost() {
	w.mu.Lock()
	dirs := make([]string, 0, len(w.dirs))
	for dir := range w.dirs {
		dirs = append(dirs, dir)
	}
	w.mu.Unlock()
	for _, dir := range dirs {
		w.changed(dir)
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
	if event.Op.Has(fsnotify.Remove|fsnotify.Rename) && w.gone(event.Name) {
		return true
	}
	watched := w.files[event.Name]
	if watched {
		w.turned(event.Name)
	}
	inTree := w.dirs[filepath.Dir(event.Name)]
	if event.Op.Has(fsnotify.Create) {
		w.came(event.Name, inTree)
	}
	return inTree || watched
}

// turned follows a link that leads elsewhere now.
func (w *Watch) turned(path string) {
	if _, asked := w.asked[path]; asked {
		w.asked[path] = false // it may be a link now
		return
	}
	for asked := range w.asked {
		w.follow(asked)
	}
}

// gone forgets a directory that is not there any more, and waits for it to come
// back. It reports whether it was one.
func (w *Watch) gone(dir string) bool {
	all, watched := w.dirs[dir]
	if !watched {
		return false
	}
	delete(w.dirs, dir)
	_ = w.notify.Remove(dir) // it may have gone by itself
	if !w.dirs[filepath.Dir(dir)] {
		w.add(dir, all)
	}
	return true
}

// came watches a new directory, if it is in a tree or was waited for.
func (w *Watch) came(path string, inTree bool) {
	if inTree && isDir(path) {
		w.tree(path)
	}
	for dir, all := range w.absent {
		if dir != path && !strings.HasPrefix(dir, path+string(filepath.Separator)) {
			continue
		}
		delete(w.absent, dir)
		if all {
			w.tree(dir)
		} else {
			w.add(dir, false)
		}
	}
}

func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// maxLinks is how many symbolic links are followed.
const maxLinks = 40

// steps returns the symbolic links that lead from path to a file, path apart,
// and the file. Directories of secrets are often links to links.
func steps(path string) (steps []string) {
	for range maxLinks {
		link, rest := firstLink(path)
		if link == "" {
			break
		}
		target, err := os.Readlink(link)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(link), target)
		}
		steps = append(steps, link)
		path = filepath.Join(target, rest)
		steps = append(steps, path)
	}
	return steps
}

// firstLink returns the first symbolic link on the way to path, and what comes
// behind it.
func firstLink(path string) (link, rest string) {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != filepath.Separator {
			continue
		}
		if info, err := os.Lstat(path[:i]); err == nil && info.Mode().Type() == os.ModeSymlink {
			return path[:i], path[i:]
		}
	}
	return "", ""
}
