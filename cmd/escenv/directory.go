package main

import (
	"os"
	"path/filepath"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/trust"
)

// parseRef reads a reference from the command line.
func (p *program) parseRef(text string) (esc.Ref, error) {
	dir, err := p.dir()
	if err != nil {
		return esc.Ref{}, err
	}
	return esc.ParseRef(text, dir)
}

// findFile finds the .escenv that path means: the file, or the one in that
// directory, or without a path the nearest. The file is returned beside what
// is wrong with it.
func (p *program) findFile(path string) (*activation.File, error) {
	dir, err := p.logicalDir()
	if err != nil {
		return nil, err
	}
	finder := activation.Finder{UID: os.Getuid()}
	if path == "" {
		file, err := finder.Find(dir)
		if file == nil && err == nil {
			err = esc.Errorf(esc.NotFound, "there is no %s at or above %s", activation.Name, dir).
				WithHint("echo PROJECT/NAME > %s", activation.Name)
		}
		return file, err
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, activation.Name)
	}
	if filepath.Base(path) != activation.Name {
		return nil, usageError{path + " is not a " + activation.Name, "escenv allow --help"}
	}
	file, err := finder.Find(filepath.Dir(path))
	if file == nil || file.Path != filepath.Clean(path) {
		return nil, esc.Errorf(esc.NotFound, "there is no %s", path).WithHint("echo PROJECT/NAME > %s", path)
	}
	return file, err
}

// trust is where decisions about .escenv files are kept.
func (p *program) trust() (trust.Store, error) {
	dir, err := p.stateDir()
	return trust.Store{Dir: filepath.Join(dir, "trust"), UID: os.Getuid()}, err
}

// stamps are the files that let a shell see a change without a process.
func (p *program) stamps() activation.Stamps {
	return activation.Stamps{Dir: p.runtimeDir(), UID: os.Getuid()}
}
