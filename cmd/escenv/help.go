//go:build !escenv_light

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/esc"
)

// help builds a command's description: what it does, its exit statuses, and
// one example.
func help(text, exit, example string) string {
	return strings.TrimSpace(text) + exitHeading + indent(exit) + "\n\nEXAMPLE\n" + indent(example)
}

// exitHeading begins the part of a description that stands behind the options.
const exitHeading = "\n\nEXIT STATUS\n"

// indent sets every line of text that has something off by three blanks.
func indent(text string) string {
	text = "   " + strings.ReplaceAll(strings.Trim(text, "\n"), "\n", "\n   ")
	return strings.ReplaceAll(text, "\n   \n", "\n\n")
}

// plainExit is the exit status section of commands that have nothing special.
const plainExit = `0  done
1  something went wrong; stderr says what
2  the command line was not understood`

func (p *program) newHelpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "explain escenv or one of its commands", ArgsUsage: "[COMMAND [SUBCOMMAND]]",
		Description: help("Prints what a command's --help prints.", plainExit, "escenv help env set"),
		Action: func(c *cli.Context) error {
			args, err := words(c, 0, 2)
			switch {
			case err != nil:
				return err
			case len(args) == 0:
				return cli.ShowAppHelp(c)
			}
			commands, at := c.App.Commands, "escenv"
			var found *cli.Command
			for _, name := range args {
				if found = findCommand(commands, name); found == nil {
					return unknownCommand(at, name, commands)
				}
				at += " " + name
				commands = found.Subcommands
			}
			found.HelpName = at
			printHelp(c.App.Writer, "", found)
			return nil
		},
	}
}

func findCommand(commands []*cli.Command, name string) *cli.Command {
	at := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(name) })
	if at < 0 {
		return nil
	}
	return commands[at]
}

// unknownCommand says that a command has no subcommand of that name, and which
// was meant.
func unknownCommand(parent, name string, commands []*cli.Command) error {
	var names []string
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	hint := parent + " --help"
	if meant, ok := strings.CutPrefix(esc.DidYouMean(name, names), "did you mean "); ok {
		hint = parent + " " + strings.TrimSuffix(meant, "?")
	}
	return usageError{fmt.Sprintf("there is no command %s %s", parent, name), hint}
}

// missingSubcommand is the action of a command that only has subcommands.
func missingSubcommand(c *cli.Context) error {
	switch name := c.Args().First(); name {
	case "help":
		return cli.ShowSubcommandHelp(c)
	case "":
		return usageError{c.Command.HelpName + " needs a subcommand", helpOf(c)}
	default:
		return unknownCommand(c.Command.HelpName, name, c.Command.Subcommands)
	}
}

// printHelp prints the page of the program or of a command. The library calls
// it; its own pages have the options last.
func printHelp(w io.Writer, _ string, about any) {
	switch c := about.(type) {
	case *cli.App:
		printPage(w, page{name: c.Name, usage: c.Usage, form: c.UsageText, text: c.Description, commands: c.Commands})
	case *cli.Command:
		form := c.HelpName + " [OPTION]..."
		if len(c.Subcommands) > 0 {
			form = c.HelpName + " COMMAND [OPTION]..."
		}
		form = strings.TrimSpace(form + " " + c.ArgsUsage)
		printPage(w, page{name: c.HelpName, usage: c.Usage, form: form, text: c.Description, commands: c.Subcommands, flags: c.Flags})
	}
}

// A page is what help says about the program or a command.
type page struct {
	name, usage, form, text string
	commands                []*cli.Command
	flags                   []cli.Flag
}

func printPage(w io.Writer, p page) {
	text, rest, _ := strings.Cut(p.text, strings.TrimLeft(exitHeading, "\n"))
	fmt.Fprintf(w, "NAME\n   %s - %s\n\nUSAGE\n   %s\n", p.name, p.usage, p.form)
	if text = strings.TrimSpace(text); text != "" {
		fmt.Fprintf(w, "\nDESCRIPTION\n%s\n", indent(text))
	}
	for _, group := range groupsOf(p.commands) {
		fmt.Fprintf(w, "\n%s\n%s", strings.ToUpper(group.name), table(group.rows))
	}
	fmt.Fprintf(w, "\nOPTIONS\n%s", table(append(flagRows(p.flags), [2]string{"-h, --help", "show this"})))
	if rest != "" {
		fmt.Fprintf(w, "%s%s\n", exitHeading[1:], rest)
	}
}

// A group is commands that belong together.
type group struct {
	name string
	rows [][2]string
}

func groupsOf(commands []*cli.Command) []group {
	var groups []group
	for _, c := range commands {
		name := c.Category
		if name == "" {
			name = "commands"
		}
		if c.Hidden {
			continue
		}
		if len(groups) == 0 || groups[len(groups)-1].name != name {
			groups = append(groups, group{name: name})
		}
		last := &groups[len(groups)-1]
		last.rows = append(last.rows, [2]string{c.Name, c.Usage})
	}
	return groups
}

// flagRows says how each flag is written, and what it does.
func flagRows(flags []cli.Flag) [][2]string {
	rows := make([][2]string, 0, len(flags))
	for _, f := range flags {
		doc, ok := f.(cli.DocGenerationFlag)
		if !ok || findFlag([]cli.Flag{f}, "help") != nil { // which is not there yet for all
			continue
		}
		names := make([]string, 0, 2)
		for _, name := range f.Names() {
			names = append(names, dashed(name))
		}
		slices.SortFunc(names, func(a, b string) int { return len(a) - len(b) })
		written := strings.Join(names, ", ")
		usage := strings.ReplaceAll(doc.GetUsage(), "`", "")
		if _, rest, ok := strings.Cut(doc.GetUsage(), "`"); ok {
			value, _, _ := strings.Cut(rest, "`")
			written += " " + value
		}
		if doc.TakesValue() && doc.GetDefaultText() != "" {
			usage += " (default: " + strings.Trim(doc.GetDefaultText(), `"`) + ")"
		}
		rows = append(rows, [2]string{written, usage})
	}
	return rows
}

// table writes rows in two columns.
func table(rows [][2]string) string {
	width := 0
	for _, row := range rows {
		width = max(width, len(row[0]))
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "   %-*s  %s\n", width, row[0], row[1])
	}
	return b.String()
}
