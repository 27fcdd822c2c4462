package main

import (
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/hooks"
	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/trust"
	"github.com/escenv/escenv/shells"
)

func (p *program) newHookCommand() *cli.Command {
	return &cli.Command{
		Name:      "hook",
		Usage:     "print the script that makes a shell follow .escenv files",
		ArgsUsage: "SHELL",
		Description: help(`Prints a script for bash, zsh or fish. Evaluate it in the shell's rc file:

   bash   ~/.bashrc                   eval "$(escenv hook bash)"
   zsh    ~/.zshrc                    eval "$(escenv hook zsh)"
   fish   ~/.config/fish/config.fish  escenv hook fish | source

At a prompt where nothing has changed the script starts no process.`,
			plainExit, `eval "$(escenv hook bash)"`),
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 1)
			if err != nil {
				return err
			}
			return p.printScript(args[0], hooks.Script)
		},
	}
}

// printScript prints one of the scripts there are for a shell.
func (p *program) printScript(shell string, script func(shells.Dialect, string) (string, error)) error {
	dialect, err := hookDialect(shell)
	if err != nil {
		return err
	}
	self, err := p.self()
	if err != nil {
		return err
	}
	text, err := script(dialect, self)
	if err != nil {
		return err
	}
	out := printer{w: p.stdout}
	out.printf("%s", text)
	return out.err
}

// hookDialect returns the dialect of a shell that has a hook.
func hookDialect(shell string) (shells.Dialect, error) {
	dialect, err := shells.Lookup(shell)
	if err != nil {
		return nil, usageError{err.Error(), "escenv hook --help"}
	}
	if dialect.Name() == "sh" {
		return nil, usageError{shell + " has no hook: use bash, zsh or fish", "escenv hook --help"}
	}
	return dialect, nil
}

// self returns the path that will still be this program after an upgrade: one
// on PATH that leads to it now, else its own.
func (p *program) self() (string, error) {
	own, err := os.Executable()
	if err != nil {
		return "", err
	}
	info, err := os.Stat(own)
	if err != nil {
		return "", err
	}
	for _, dir := range filepath.SplitList(p.getenv("PATH")) {
		path := filepath.Join(dir, "escenv")
		if !filepath.IsAbs(dir) {
			continue
		}
		if found, err := os.Stat(path); err == nil && os.SameFile(found, info) {
			return path, nil
		}
	}
	return own, nil
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

// configFile is where the user's settings are, for messages.
func (p *program) configFile() string {
	dir, err := p.configDir()
	if err != nil {
		return "config.yaml"
	}
	return filepath.Join(dir, "config.yaml")
}

// logicalDir is the directory as the shell calls it. One that is gone is still
// called what it was.
func (p *program) logicalDir() (string, error) {
	dir, err := p.dir()
	if err != nil && filepath.IsAbs(p.getenv("PWD")) {
		return filepath.Clean(p.getenv("PWD")), nil
	}
	return dir, err
}
