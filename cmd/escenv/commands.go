package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/esc"
)

// commands lists every command in the order help shows them.
func (p *program) commands() []*cli.Command {
	commands := []*cli.Command{
		p.newHookCommand(), p.newExportCommand(), p.newAllowCommand(), p.newDenyCommand(), p.newStatusCommand(),
		p.newExecCommand(), p.newRunCommand(),
		p.newOpenCommand(), p.newCheckCommand(), p.newEnvCommand(),
		p.newIssuerCommand(), p.newAgentCommand(), p.newVersionCommand(),
	}
	inherit(commands)
	return commands
}

// inherit gives every command and subcommand what the library does not pass
// down.
func inherit(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = onUsageError
		inherit(c.Subcommands)
	}
}

// help builds a command's description: what it does, its exit statuses, and
// one example.
func help(text, exit, example string) string {
	return strings.TrimSpace(text) + "\n\nEXIT STATUS\n" + indent(exit) + "\n\nEXAMPLE\n" + indent(example)
}

// indent sets every line of text off by three blanks.
func indent(text string) string {
	return "   " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n   ")
}

// plainExit is the exit status section of commands that have nothing special.
const plainExit = `0  done
1  something went wrong; stderr says what
2  the command line was not understood`

// wantArgs refuses a number of arguments outside from and to.
func wantArgs(c *cli.Context, from, to int) error {
	n := c.Args().Len()
	if from <= n && n <= to {
		return nil
	}
	problem := "too many arguments"
	if n < from {
		problem = "an argument is missing: " + c.Command.ArgsUsage
	}
	return usageError{fmt.Sprintf("%s: %s", c.Command.HelpName, problem), c.Command.HelpName + " --help"}
}

// parseRef reads a reference from the command line.
func (p *program) parseRef(text string) (esc.Ref, error) {
	dir, err := p.dir()
	if err != nil {
		return esc.Ref{}, err
	}
	return esc.ParseRef(text, dir)
}

// noAgentFlag lets a command do without the shared agent.
func (p *program) noAgentFlag() *cli.BoolFlag {
	return &cli.BoolFlag{
		Name: "no-agent", Usage: "use a private agent that ends with this command", Destination: &p.private,
	}
}
