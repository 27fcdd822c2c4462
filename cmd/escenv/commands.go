//go:build !escenv_light

package main

import (
	"github.com/urfave/cli/v2"
)

// commands lists every command in the order help shows them.
func (p *program) commands() []*cli.Command {
	var commands []*cli.Command
	group := func(name string, members ...*cli.Command) {
		for _, c := range members {
			c.Category = name
		}
		commands = append(commands, members...)
	}
	group("in a directory",
		p.newHookCommand(), p.newAllowCommand(), p.newDenyCommand(), p.newRevokeCommand(), p.newPruneCommand(),
		p.newEditCommand(), p.newReloadCommand(), p.newUnloadCommand(), p.newStatusCommand(), p.newExportCommand())
	group("for one command", p.newExecCommand(), p.newRunCommand(), p.newShellCommand(),
		p.newCredentialProcessCommand())
	group("environments", p.newOpenCommand(), p.newCheckCommand(), p.newEnvCommand())
	group("behind them", p.newIssuerCommand(), p.newAgentCommand(), p.newForgetCommand())
	group("this program", p.newCompletionCommand(), p.newCompleteCommand(), p.newVersionCommand(), p.newHelpCommand())
	inherit(commands)
	return commands
}

// inherit gives every command and subcommand what the library does not pass
// down.
func inherit(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = onUsageError
		c.HideHelpCommand = true // help may be an argument
		if len(c.Subcommands) > 0 {
			c.Action = missingSubcommand
		}
		inherit(c.Subcommands)
	}
}

// noAgentFlag lets a command do without the shared agent.
func (p *program) noAgentFlag() *cli.BoolFlag {
	return &cli.BoolFlag{
		Name: "no-agent", Usage: "use a private agent that ends with this command", Destination: &p.private,
	}
}
