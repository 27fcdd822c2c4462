//go:build !escenv_light

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/trust"
)

func (p *program) newRevokeCommand() *cli.Command {
	return &cli.Command{
		Name:      "revoke",
		Usage:     "forget what was decided about a .escenv",
		ArgsUsage: "[FILE]",
		Description: help(`Takes back escenv allow or escenv deny. Shells that have loaded the file unload
it at their next prompt, and tell you of it as of one they never saw. FILE may
be its directory, and need not be there any more; without one it is the nearest
at or above this directory.`, plainExit, "escenv revoke ~/src/shop"),
		Action: func(c *cli.Context) error {
			args, err := words(c, 0, 1)
			if err != nil {
				return err
			}
			return p.runRevoke(first(args))
		},
	}
}

func (p *program) runRevoke(path string) error {
	canonical, err := p.canonicalPath(path)
	if err != nil && path != "" {
		canonical, err = p.formerPath(path, err)
	}
	if err != nil {
		return err
	}
	return p.decide(func(s trust.Store) error {
		had, err := s.Revoke(canonical)
		if err == nil && !had {
			p.say("nothing had been decided about " + canonical)
		}
		return err
	})
}

// canonicalPath returns the canonical path of the .escenv that path means, also
// if it cannot be used.
func (p *program) canonicalPath(path string) (string, error) {
	file, err := p.findFile(path)
	switch {
	case file == nil:
		return "", err
	case file.Canonical == "": // it is not even safe to read
		return filepath.EvalSymlinks(file.Path)
	}
	return file.Canonical, nil
}

// formerPath returns what the canonical path of a .escenv must have been if it
// is gone, and the reason it was not found if it is there.
func (p *program) formerPath(path string, reason error) (string, error) {
	dir, err := p.logicalDir()
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if _, err := os.Lstat(path); err == nil && filepath.Base(path) != activation.Name {
		return "", reason
	}
	parent := strings.TrimSuffix(path, "/"+activation.Name)
	if found, err := filepath.EvalSymlinks(parent); err == nil {
		parent = found
	}
	return filepath.Join(parent, activation.Name), nil
}

func (p *program) newPruneCommand() *cli.Command {
	return &cli.Command{
		Name:  "prune",
		Usage: "forget what was decided about .escenv files that are gone",
		Description: help(`Forgets decisions about files that are not there any more, and prints their
paths. A file that comes back must be allowed again.`, plainExit, "escenv prune"),
		Action: func(c *cli.Context) error {
			if _, err := words(c, 0, 0); err != nil {
				return err
			}
			return p.runPrune()
		},
	}
}

func (p *program) runPrune() error {
	return p.decide(func(s trust.Store) error {
		gone, err := s.Prune(func(path string) bool {
			_, err := os.Lstat(path)
			return !errors.Is(err, fs.ErrNotExist)
		})
		out := &printer{w: p.stdout}
		for _, path := range gone {
			out.printf("%s\n", safe(path))
		}
		return errors.Join(err, out.err)
	})
}
