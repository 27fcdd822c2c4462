package agent

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/wire"
)

// A Generation is an empty file that every shell looks at before each prompt.
// When its modification time is another, the shell asks again.
type Generation struct {
	File string
	Now  func() time.Time

	mu sync.Mutex
}

// Ensure makes the file if it is not there. Its directory must be this user's
// alone, lest somebody lead the agent to another file.
func (g *Generation) Ensure() error {
	if err := wire.CheckDir(filepath.Dir(g.File)); err != nil {
		return err
	}
	f, err := os.OpenFile(g.File, os.O_CREATE|os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Touch gives the file a modification time it never had, later than the last
// even if the clock was set back.
func (g *Generation) Touch() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.Ensure(); err != nil {
		return err
	}
	info, err := os.Stat(g.File)
	if err != nil {
		return err
	}
	at := g.Now().Round(0)
	if last := info.ModTime(); !at.After(last) {
		at = last.Add(time.Millisecond)
	}
	return os.Chtimes(g.File, at, at)
}

// TouchIfThere is Touch for those who must not make the file's directory.
func (g *Generation) TouchIfThere() error {
	if _, err := os.Lstat(g.File); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return g.Touch()
}
