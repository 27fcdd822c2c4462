//go:build escenv_light

package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/escenv/escenv/internal/esc"
)

// This build is what prompts and commands wait for, export, exec and run, and
// starts in two thirds of the time: it does not link the command line's
// library, whose preparations cost more than all they do. It hands everything
// else to the whole program.

// wholeName is where the whole program is, from where this one is.
const wholeName = "../libexec/escenv/escenv"

// runCommand becomes the whole program.
func (p *program) runCommand(context.Context) error {
	var path string
	err := error(fs.ErrNotExist)
	for _, dir := range ownDirs() {
		path = filepath.Join(dir, wholeName)
		if err = syscall.Exec(path, p.args, p.environ); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return esc.Errorf(esc.NotFound, "%s, the rest of escenv: %v", path, err).
		WithHint("install it again: ./install.sh in escenv's source")
}
