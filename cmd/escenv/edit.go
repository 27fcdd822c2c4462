//go:build !escenv_light

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/esc"
)

func (p *program) newEditCommand() *cli.Command {
	var editor string
	return &cli.Command{
		Name:      "edit",
		Usage:     "edit a .escenv, then allow it",
		ArgsUsage: "[FILE]",
		Description: help(`Opens the .escenv in --editor, $VISUAL, $EDITOR or vi, and asks to allow what you
have written. FILE may be its directory; without one it is the nearest at or
above this directory, or else a new one here.`,
			`0  edited; and allowed, if you said so
1  not edited, or not allowed; stderr says why
2  the command line was not understood`, "escenv edit"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "editor", Usage: "edit with `COMMAND`, which may have options", Destination: &editor},
			p.noAgentFlag(),
		},
		Action: func(c *cli.Context) error {
			args, err := words(c, 0, 1)
			if err != nil {
				return err
			}
			return p.runEdit(c.Context, first(args), p.editorOr(editor))
		},
	}
}

// editorOr returns the editor that was asked for, or the user's own.
func (p *program) editorOr(editor string) string {
	for _, candidate := range []string{p.getenv("VISUAL"), p.getenv("EDITOR"), "vi"} {
		if editor == "" {
			editor = candidate
		}
	}
	return editor
}

// newFile is what a .escenv that is made begins with.
const newFile = `# One environment a line, project/name; a later one wins. Beside the code: ./dev.yaml
`

func (p *program) runEdit(ctx context.Context, path, editor string) error {
	path, made, err := p.fileToEdit(path)
	if err != nil {
		return err
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := p.runEditor(ctx, editor, path); err != nil {
		return errors.Join(err, p.removeUntouched(path, made))
	}
	after, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	switch {
	case made && string(after) == newFile:
		p.say("nothing was written, so there is no " + path)
		return os.Remove(path)
	case string(after) == string(before) && p.isAllowed(path):
		p.say(path + " is unchanged")
		return nil
	}
	return p.runAllow(ctx, path, false)
}

// fileToEdit returns the path of the .escenv that path means. One that is not
// there is made.
func (p *program) fileToEdit(path string) (file string, made bool, err error) {
	found, err := p.findFile(path)
	switch {
	case found != nil: // whatever is wrong with it is what one edits it for
		return found.Path, false, nil
	case !hasKind(err, esc.NotFound):
		return "", false, err
	}
	file, err = p.newFilePath(path)
	if err == nil {
		err = create(file, newFile)
	}
	return file, err == nil, err
}

// create writes a file that is not there.
func create(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // it is shared, as the code beside it is
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func (p *program) newFilePath(path string) (string, error) {
	dir, err := p.dir()
	switch {
	case err != nil:
		return "", err
	case path == "":
		path = dir
	case !filepath.IsAbs(path):
		path = filepath.Join(dir, path)
	}
	if filepath.Base(path) == activation.Name {
		return path, nil
	}
	return filepath.Join(path, activation.Name), nil
}

func (p *program) removeUntouched(path string, made bool) error {
	text, err := os.ReadFile(path)
	if err != nil || !made || string(text) != newFile {
		return err
	}
	return os.Remove(path)
}

func (p *program) isAllowed(path string) bool {
	file, err := p.findFile(path)
	if err != nil {
		return false
	}
	decisions, err := p.trust()
	if err != nil {
		return false
	}
	verdict, err := decisions.Check(file.Canonical, file.Digest)
	return err == nil && verdict == esc.Allowed
}
