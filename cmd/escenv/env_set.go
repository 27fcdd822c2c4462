//go:build !escenv_light

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// maxInput is the largest definition or value read from a file or pipe.
const maxInput = 1 << 20

func (p *program) newEnvGetCommand() *cli.Command {
	return &cli.Command{
		Name: "get", Usage: "print a definition, or a part of it, as it is written", ArgsUsage: "REF [PATH]",
		Description: help("Prints YAML. Nothing is opened. What fn::secret holds is hidden unless --show-secrets.", plainExit,
			"escenv env get shop/dev aws.login"),
		Flags: []cli.Flag{&cli.BoolFlag{Name: "show-secrets", Usage: "print what fn::secret holds"}},
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 2)
			if err != nil {
				return err
			}
			return p.runEnvGet(c.Context, args[0], wire.EnvGetArgs{Path: first(args[1:]), Reveal: c.Bool("show-secrets")})
		},
	}
}

func (p *program) runEnvGet(ctx context.Context, name string, args wire.EnvGetArgs) (err error) {
	if args.Ref, err = p.parseRef(name); err != nil {
		return err
	}
	var result wire.EnvGetResult
	if err := p.call(ctx, wire.OpEnvGet, args, &result); err != nil {
		return withHint(err, args.Path != "", "escenv env get "+args.Ref.String())
	}
	_, err = p.stdout.Write(result.Text)
	return err
}

func (p *program) newEnvSetCommand() *cli.Command {
	return &cli.Command{
		Name: "set", Usage: "set one value of a definition, keeping its comments", ArgsUsage: "REF PATH [VALUE]",
		Description: help(`Sets the value at PATH, which is below values, to VALUE, which is read as YAML. Without a
VALUE, or with "-", it is read from stdin; with --secret it must be, so that it shows
in no process list and no history, and on a terminal it is asked for unseen.`,
			plainExit, "escenv env set shop/dev environmentVariables.LOG_LEVEL debug\nescenv env set shop/dev db.password --secret"),
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "secret", Usage: "keep the value as fn::secret"},
			&cli.BoolFlag{Name: "plaintext", Usage: "it is no secret, whatever its name"},
			&cli.BoolFlag{Name: "string", Usage: "take the value as a string, whatever it looks like"},
		},
		Action: func(c *cli.Context) error {
			args, err := words(c, 2, 3)
			if err != nil {
				return err
			}
			set := wire.EnvSetArgs{Path: args[1], Secret: c.Bool("secret"), String: c.Bool("string")}
			return p.runEnvSet(c.Context, args, set, c.Bool("plaintext"))
		},
	}
}

// soundsSecret reports whether the last name of a path is one whose value
// people do not want in the clear.
func soundsSecret(path string) bool {
	last := strings.TrimRight(path, `]"`)
	last = strings.ToLower(last[strings.LastIndexAny(last, `.["`)+1:])
	last = strings.NewReplacer("_", "", "-", "", " ", "").Replace(last)
	has := func(word string) bool { return strings.Contains(last, word) }
	return slices.ContainsFunc([]string{"passw", "pwd", "secret", "token", "privatekey", "apikey"}, has)
}

func (p *program) runEnvSet(ctx context.Context, words []string, args wire.EnvSetArgs, plaintext bool) (err error) {
	switch given := len(words) == 3 && words[2] != "-"; {
	case args.Secret && plaintext:
		return usageError{"--secret and --plaintext exclude each other", "escenv env set --help"}
	case args.Secret && given:
		return usageError{"a secret on the command line shows in process lists and history", "escenv env set " + words[0] + " " + words[1] + " --secret, and type or pipe the value"}
	case !args.Secret && !plaintext && soundsSecret(args.Path):
		return usageError{args.Path + " sounds like a secret: say --secret or --plaintext", "escenv env set --help"}
	case given:
		args.Value = words[2]
	default:
		if args.Value, err = p.readValue(ctx, args.Path); err != nil {
			return err
		}
	}
	if args.Ref, err = p.parseRef(words[0]); err != nil {
		return err
	}
	var result wire.EnvWriteResult
	if err := p.call(ctx, wire.OpEnvSet, args, &result); err != nil {
		return err
	}
	p.printDiagnostics(result.Warnings)
	return nil
}

// readValue reads a value from stdin: unseen from a terminal, else all of it
// but one line end.
func (p *program) readValue(ctx context.Context, path string) (string, error) {
	if isatty.IsTerminal(p.stdin.Fd()) {
		return p.askSecret(ctx, "value of "+path)
	}
	text, err := p.readInput("-")
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), err
}

// readInput reads a file, or stdin for "-".
func (p *program) readInput(file string) ([]byte, error) {
	in := p.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", in.Name(), err)
	}
	if len(text) > maxInput {
		return nil, esc.Errorf(esc.Invalid, "%s is larger than 1 MiB", in.Name())
	}
	return text, nil
}
