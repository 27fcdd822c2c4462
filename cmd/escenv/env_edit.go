//go:build !escenv_light

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

func (p *program) newEnvEditCommand() *cli.Command {
	var editor string
	return &cli.Command{
		Name: "edit", Usage: "edit a definition in your editor", ArgsUsage: "REF",
		Description: help(`Opens the definition in --editor, $VISUAL, $EDITOR or vi. A definition with errors is not
saved: on a terminal you are asked to edit again, and your text is never lost.`,
			plainExit, "escenv env edit shop/dev"),
		Flags: []cli.Flag{&cli.StringFlag{Name: "editor", Usage: "edit with `COMMAND`, which may have options", Destination: &editor}},
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 1)
			if err != nil {
				return err
			}
			return p.runEnvEdit(c.Context, args[0], p.editorOr(editor))
		},
	}
}

func (p *program) runEnvEdit(ctx context.Context, name, editor string) error {
	ref, err := p.parseRef(name)
	if err != nil {
		return err
	}
	var old wire.EnvReadResult
	if err := p.call(ctx, wire.OpEnvRead, wire.EnvReadArgs{Ref: ref}, &old); err != nil {
		return err
	}
	dir, err := p.draftDir()
	if err != nil {
		return err
	}
	draft := filepath.Join(dir, filepath.Base(old.File))
	if err := os.WriteFile(draft, old.Text, 0o600); err != nil {
		return err
	}
	err = p.editDraft(ctx, ref, draft, editor, old)
	if text, unread := os.ReadFile(draft); err != nil && (unread != nil || !bytes.Equal(text, old.Text)) {
		p.say("your text is kept in " + draft)
		return err
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// draftDir makes a directory for one draft. It may hold secrets, so it is in
// memory where the system has such a place.
func (p *program) draftDir() (string, error) {
	if err := os.MkdirAll(p.runtimeDir(), 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(p.runtimeDir(), "edit-") // 0700
}

// editDraft lets the user edit until the definition is saved or given up.
func (p *program) editDraft(ctx context.Context, ref esc.Ref, draft, editor string, old wire.EnvReadResult) error {
	for {
		if err := p.runEditor(ctx, editor, draft); err != nil {
			return err
		}
		text, err := os.ReadFile(draft)
		if err != nil {
			return err
		}
		if bytes.Equal(text, old.Text) {
			p.say(ref.String() + " is unchanged")
			return nil
		}
		var result wire.EnvWriteResult
		err = p.call(ctx, wire.OpEnvWrite, wire.EnvWriteArgs{Ref: ref, Text: text, Base: old.Revision}, &result)
		var diags esc.Diagnostics
		if err == nil {
			p.printDiagnostics(result.Warnings)
			p.say("saved " + ref.String())
			return nil
		}
		if !errors.As(err, &diags) || !isatty.IsTerminal(p.stdin.Fd()) {
			return err
		}
		p.printDiagnostics(diags)
		if again, err := p.ask(ctx, "it has errors and was not saved: edit again?"); err != nil || !again {
			return cmp.Or(err, error(statusError(exitFailed)))
		}
	}
}

// runEditor runs the editor's command line, which may have options, on a file.
func (p *program) runEditor(ctx context.Context, editor, file string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", editor+` "$1"`, "editor", file)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.environ, p.stdin, p.stdout, p.stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running %s: %w", editor, err)
	}
	return nil
}
