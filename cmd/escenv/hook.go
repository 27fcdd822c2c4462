//go:build !escenv_light

package main

import (
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/hooks"
	"github.com/escenv/escenv/shells"
)

func (p *program) newHookCommand() *cli.Command {
	return &cli.Command{
		Name:      "hook",
		Usage:     "print the script that makes a shell follow .escenv files",
		ArgsUsage: "SHELL",
		Description: help(`Prints a script for a shell. Evaluate it in the shell's rc file:

   bash    ~/.bashrc                   eval "$(escenv hook bash)"
   zsh     ~/.zshrc                    eval "$(escenv hook zsh)"
   fish    ~/.config/fish/config.fish  escenv hook fish | source
   elvish  ~/.config/elvish/rc.elv     eval (escenv hook elvish | slurp)
   xonsh   ~/.xonshrc:
           execx(__import__("subprocess").check_output(["escenv", "hook", "xonsh"], text=True))
   pwsh    $PROFILE                    escenv hook pwsh | Out-String | iex

Others read files, to be written again after an upgrade:

   nu      escenv hook nu > ~/.config/nushell/autoload/escenv.nu
   tcsh    escenv hook tcsh > ~/.escenv.tcsh, and in ~/.tcshrc behind the PATH:
           if ($?prompt) source ~/.escenv.tcsh

At a prompt where nothing has changed the script starts no process; elvish's
does inside a project. pwsh's has not been run in a real PowerShell yet.`,
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

// self returns the path that will still be this program after an upgrade: one
// on PATH that leads to it now, else its own.
func (p *program) self() (string, error) {
	own, err := ownPath()
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
