//go:build !escenv_light

package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/hooks"
	"github.com/escenv/escenv/internal/wire"
)

// namesTime is how long completion waits for the names of definitions.
const namesTime = 2 * time.Second

func (p *program) newCompletionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print the script that completes escenv's command line", ArgsUsage: "SHELL",
		Description: help(`Prints a script for bash, zsh or fish. Evaluate it in the shell's rc file, in zsh
behind compinit:

   bash   ~/.bashrc                   eval "$(escenv completion bash)"
   zsh    ~/.zshrc                    eval "$(escenv completion zsh)"
   fish   ~/.config/fish/config.fish  escenv completion fish | source

It completes commands, flags, the names of environments, and the command behind
exec. Nothing is opened.`,
			plainExit, `eval "$(escenv completion bash)"`),
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 1)
			if err != nil {
				return err
			}
			return p.printScript(args[0], hooks.Completion)
		},
	}
}

// newCompleteCommand is what the scripts ask. Its arguments are the words
// behind "escenv", the last of them the one to complete. It answers with a
// candidate and what it is on each line, or with one line alone:
//
//	:files      whatever files there are
//	:command N  a command of its own begins at the Nth word, from 0
func (p *program) newCompleteCommand() *cli.Command {
	return &cli.Command{
		Name: "__complete", Hidden: true, SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			line := slices.DeleteFunc(c.Args().Slice(), func(word string) bool { return word == "=" }) // as bash splits --flag=value
			if len(line) == 0 {
				return nil
			}
			x := &completer{commands: c.App.Commands, names: func() []string { return p.definitionNames(c.Context) }}
			out := printer{w: p.stdout}
			out.printf("%s", x.complete(line))
			return out.err
		},
	}
}

// definitionNames lists the definitions, or nothing if that takes too long.
func (p *program) definitionNames(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, namesTime)
	defer cancel()
	var result wire.EnvListResult
	if p.call(ctx, wire.OpEnvList, nil, &result) != nil {
		return nil
	}
	names := make([]string, len(result.Refs))
	for i, ref := range result.Refs {
		names[i] = ref.String()
	}
	return names
}

// A completer knows what may stand on the command line.
type completer struct {
	commands []*cli.Command
	names    func() []string // of definitions
}

// complete returns what the last word of the line may be.
func (x *completer) complete(line []string) string {
	last := len(line) - 1
	word := line[last]
	commands, at := x.commands, 0
	var command *cli.Command
	for ; at < last && (command == nil || len(command.Subcommands) > 0); at++ {
		if command = findCommand(commands, line[at]); command == nil {
			return ""
		}
		commands = command.Subcommands
	}
	switch {
	case command == nil || len(commands) > 0:
		return candidates(word, "", commandRows(commands))
	case command.Name == "help":
		return candidates(word, "", commandRows(x.below(line[at:last])))
	}
	return x.argument(command, line, at)
}

// below returns the commands below a path of names.
func (x *completer) below(path []string) []*cli.Command {
	commands := x.commands
	for _, name := range path {
		c := findCommand(commands, name)
		if c == nil {
			return nil
		}
		commands = c.Subcommands
	}
	return commands
}

func commandRows(commands []*cli.Command) [][2]string {
	var rows [][2]string
	for _, c := range commands {
		if !c.Hidden {
			rows = append(rows, [2]string{c.Name, c.Usage})
		}
	}
	return rows
}

// argument completes the last word of a command whose own words begin at at.
func (x *completer) argument(c *cli.Command, line []string, at int) string {
	last := len(line) - 1
	word, places, place, flagsEnd := line[last], places(c.ArgsUsage), 0, false
	for ; at < last; at++ {
		switch written := line[at]; {
		case written == "--":
			flagsEnd = true
		case !flagsEnd && len(written) > 1 && written[0] == '-':
			flag := findFlag(c.Flags, strings.TrimLeft(written, "-"))
			if takesValue(flag) && at+1 == last {
				return x.value(flag.Names()[0], word, "")
			}
			if takesValue(flag) {
				at++
			}
		case place < len(places) && places[place] == "COMMAND":
			return ":command " + strconv.Itoa(at) + "\n"
		default:
			place++
		}
	}
	if name, value, joined := strings.Cut(word, "="); joined && word[0] == '-' && !flagsEnd {
		return x.value(strings.TrimLeft(name, "-"), value, name+"=")
	}
	if strings.HasPrefix(word, "-") && !flagsEnd {
		return candidates(word, "", dashedRows(c.Flags))
	}
	if n := len(places); n > 0 && strings.HasSuffix(places[n-1], "...") {
		place = min(place, n-1) // any number of them
	}
	if place >= len(places) {
		return ""
	}
	if places[place] == "COMMAND" {
		return ":command " + strconv.Itoa(last) + "\n"
	}
	return x.value(strings.TrimSuffix(places[place], "..."), word, "")
}

// places lists what a usage line asks for, without its brackets and flags.
func places(usage string) []string {
	return slices.DeleteFunc(strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(usage)),
		func(place string) bool { return place[0] == '-' })
}

func takesValue(f cli.Flag) bool {
	doc, ok := f.(cli.DocGenerationFlag)
	return ok && doc.TakesValue()
}

// value completes what a flag of that name takes, or an argument that usage
// calls so.
func (x *completer) value(name, word, prefix string) string {
	switch name {
	case "REF", "env", "e":
		if strings.HasPrefix(word, ".") || strings.HasPrefix(word, "/") {
			return ":files\n"
		}
		return candidates(word, prefix, plainRows(x.names()))
	case "SHELL":
		return candidates(word, prefix, plainRows([]string{"bash", "fish", "zsh"}))
	case "format", "f":
		return candidates(word, prefix, plainRows(formats()))
	case "tty":
		return candidates(word, prefix, plainRows([]string{"auto", "always", "never", "output"}))
	case "mask":
		return candidates(word, prefix, plainRows([]string{"auto", "always", "never"}))
	case "mask-style":
		return candidates(word, prefix, plainRows([]string{"name", "plain", "width"}))
	case "on-expiry":
		return candidates(word, prefix, plainRows([]string{"kill", "refresh", "warn"}))
	case "FILE", "DIR", "file", "status-file":
		return ":files\n"
	}
	return ""
}

func plainRows(words []string) [][2]string {
	rows := make([][2]string, len(words))
	for i, word := range words {
		rows[i][0] = word
	}
	return rows
}

func dashedRows(flags []cli.Flag) [][2]string {
	rows := [][2]string{{"--help", "show help"}}
	for _, f := range flags {
		if doc, ok := f.(cli.DocGenerationFlag); ok && f.Names()[0] != "help" {
			rows = append(rows, [2]string{dashed(f.Names()[0]), strings.ReplaceAll(doc.GetUsage(), "`", "")})
		}
	}
	return rows
}

// candidates are the rows that begin with word, each behind prefix.
func candidates(word, prefix string, rows [][2]string) string {
	var b strings.Builder
	for _, row := range rows {
		if strings.HasPrefix(row[0], word) {
			b.WriteString(prefix + row[0] + "\t" + row[1] + "\n")
		}
	}
	return b.String()
}
