package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// maxInput is the largest definition or value read from a file or pipe.
const maxInput = 1 << 20

func (p *program) newEnvCommand() *cli.Command {
	return &cli.Command{
		Name:  "env",
		Usage: "make, list, edit and remove definitions",
		Description: help("Definitions are YAML files below $XDG_CONFIG_HOME/escenv/environments. Edit them with\nthese commands or with any editor.",
			plainExit, "escenv env init shop/dev --role arn:aws:iam::123456789012:role/shop-dev"),
		Subcommands: []*cli.Command{
			p.newEnvInitCommand(), p.newEnvListCommand(), p.newEnvEditCommand(),
			p.newEnvGetCommand(), p.newEnvSetCommand(), p.newEnvRemoveCommand(),
		},
		Action: missingSubcommand,
	}
}

func (p *program) newEnvInitCommand() *cli.Command {
	var role, region, file string
	return &cli.Command{
		Name: "init", Usage: "make a definition", ArgsUsage: "REF",
		Description: help(`Makes a definition that logs in to AWS with a role, or, with --file, one from a file
("-" for stdin). It refuses to replace one that is there.`,
			plainExit, "escenv env init shop/dev --role arn:aws:iam::123456789012:role/shop-dev --region eu-west-1"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "role", Usage: "ARN of the role to assume", Destination: &role},
			&cli.StringFlag{Name: "region", Usage: "AWS region for the commands that are run", Destination: &region},
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "take the definition from a file", Destination: &file},
		},
		Action: func(c *cli.Context) error {
			words, err := trailingFlags(c)
			if err != nil {
				return err
			}
			if len(words) != 1 || file != "" && (role != "" || region != "") {
				return usageError{"escenv env init takes one reference, and either --file or --role and --region", "escenv env init --help"}
			}
			return p.runEnvInit(c.Context, words[0], file, role, region)
		},
	}
}

func (p *program) runEnvInit(ctx context.Context, name, file, role, region string) error {
	ref, err := p.parseRef(name)
	if err != nil {
		return err
	}
	text := awsTemplate(ref, role, region)
	if file != "" {
		if text, err = p.readInput(file); err != nil {
			return err
		}
	}
	var result wire.EnvWriteResult
	if err := p.call(ctx, wire.OpEnvWrite, wire.EnvWriteArgs{Ref: ref, Text: text, Create: true}, &result); err != nil {
		return err
	}
	p.printDiagnostics(result.Warnings)
	p.say("made " + result.File)
	if file == "" && role == "" {
		p.sayHint("escenv env edit " + ref.String() + " to name your role")
	} else {
		p.sayHint("escenv exec -e " + ref.String() + " -- aws sts get-caller-identity")
	}
	return nil
}

// awsTemplate is a definition that logs in to AWS.
func awsTemplate(ref esc.Ref, role, region string) []byte {
	if role == "" {
		role = "arn:aws:iam::123456789012:role/" + ref.Project + "-" + ref.Name
	}
	var regionLine string
	if region != "" {
		regionLine = "    AWS_REGION: " + yamlString(region) + "\n"
	}
	return fmt.Appendf(nil, `# To use it: escenv exec -e %[1]s -- aws sts get-caller-identity
values:
  aws:
    login:
      fn::open::aws-login:
        oidc:
          roleArn: %[2]s
          sessionName: escenv
          duration: 1h
  environmentVariables:
    AWS_ACCESS_KEY_ID: ${aws.login.accessKeyId}
    AWS_SECRET_ACCESS_KEY: ${aws.login.secretAccessKey}
    AWS_SESSION_TOKEN: ${aws.login.sessionToken}
%[3]s`, ref, yamlString(role), regionLine)
}

var plainYAML = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./@+=:,-]*[A-Za-z0-9]$`)

// yamlString writes s as one YAML scalar.
func yamlString(s string) string {
	if plainYAML.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func (p *program) newEnvListCommand() *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list the definitions",
		Description: help("Prints the references of all definitions, one a line.", plainExit, "escenv env ls"),
		Flags:       []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, 0, 0); err != nil {
				return err
			}
			return p.runEnvList(c.Context, c.Bool("json"))
		},
	}
}

func (p *program) runEnvList(ctx context.Context, asJSON bool) error {
	var result wire.EnvListResult
	if err := p.call(ctx, wire.OpEnvList, nil, &result); err != nil {
		return err
	}
	names := make([]string, len(result.Refs))
	for i, ref := range result.Refs {
		names[i] = ref.String()
	}
	if asJSON {
		return p.printJSON(names)
	}
	if len(names) == 0 {
		p.say("there are no definitions in " + result.Dir)
		p.sayHint("escenv env init project/name")
	}
	out := printer{w: p.stdout}
	for _, name := range names {
		out.printf("%s\n", name)
	}
	return out.err
}

func (p *program) newEnvGetCommand() *cli.Command {
	return &cli.Command{
		Name: "get", Usage: "print a definition, or a part of it, as it is written", ArgsUsage: "REF [PATH]",
		Description: help("Prints YAML. Nothing is opened. What fn::secret holds is hidden unless --show-secrets.", plainExit,
			"escenv env get shop/dev aws.login"),
		Flags: []cli.Flag{&cli.BoolFlag{Name: "show-secrets", Usage: "print what fn::secret holds"}},
		Action: func(c *cli.Context) error {
			words, err := trailingFlags(c)
			if err != nil {
				return err
			}
			if len(words) < 1 || len(words) > 2 {
				return usageError{"escenv env get takes a reference and at most one path", "escenv env get --help"}
			}
			args := wire.EnvGetArgs{Reveal: c.Bool("show-secrets")}
			if len(words) == 2 {
				args.Path = words[1]
			}
			return p.runEnvGet(c.Context, words[0], args)
		},
	}
}

func (p *program) runEnvGet(ctx context.Context, name string, args wire.EnvGetArgs) (err error) {
	if args.Ref, err = p.parseRef(name); err != nil {
		return err
	}
	var result wire.EnvGetResult
	if err := p.call(ctx, wire.OpEnvGet, args, &result); err != nil {
		return err
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
			words, err := trailingFlags(c)
			if err != nil {
				return err
			}
			if len(words) < 2 || len(words) > 3 {
				return usageError{"escenv env set takes a reference, a path and at most one value", "escenv env set --help"}
			}
			args := wire.EnvSetArgs{Path: words[1], Secret: c.Bool("secret"), String: c.Bool("string")}
			return p.runEnvSet(c.Context, words, args, c.Bool("plaintext"))
		},
	}
}

// soundsSecret matches paths whose values people do not want in the clear.
var soundsSecret = regexp.MustCompile(`(?i)(passw|secret|token|pwd|private.?key|api.?key)[^.\]]*\]?$`)

func (p *program) runEnvSet(ctx context.Context, words []string, args wire.EnvSetArgs, plaintext bool) (err error) {
	switch given := len(words) == 3 && words[2] != "-"; {
	case args.Secret && plaintext:
		return usageError{"--secret and --plaintext exclude each other", "escenv env set --help"}
	case args.Secret && given:
		return usageError{"a secret on the command line shows in process lists and history", "escenv env set " + words[0] + " " + words[1] + " --secret, and type or pipe the value"}
	case !args.Secret && !plaintext && soundsSecret.MatchString(args.Path):
		return usageError{args.Path + " sounds like a secret: say --secret or --plaintext", "escenv env set --help"}
	case given:
		args.Value = words[2]
	default:
		if args.Value, err = p.readValue(args); err != nil {
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
func (p *program) readValue(args wire.EnvSetArgs) (string, error) {
	if isatty.IsTerminal(p.stdin.Fd()) {
		fmt.Fprintf(p.stderr, "escenv: value of %s: ", safe(args.Path))
		text, err := term.ReadPassword(int(p.stdin.Fd()))
		fmt.Fprintln(p.stderr)
		return string(text), err
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

func (p *program) newEnvRemoveCommand() *cli.Command {
	return &cli.Command{
		Name: "rm", Usage: "remove a definition, or one value of it", ArgsUsage: "REF [PATH]",
		Description: help("Removes the whole definition after asking, or without asking the value at PATH.", plainExit,
			"escenv env rm shop/old --yes\nescenv env rm shop/dev environmentVariables.LOG_LEVEL"),
		Flags: []cli.Flag{&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"}},
		Action: func(c *cli.Context) error {
			words, err := trailingFlags(c)
			if err != nil {
				return err
			}
			if len(words) < 1 || len(words) > 2 {
				return usageError{"escenv env rm takes a reference and at most one path", "escenv env rm --help"}
			}
			return p.runEnvRemove(c.Context, words, c.Bool("yes"))
		},
	}
}

func (p *program) runEnvRemove(ctx context.Context, words []string, yes bool) error {
	ref, err := p.parseRef(words[0])
	if err != nil {
		return err
	}
	if len(words) == 2 {
		var result wire.EnvWriteResult
		return p.call(ctx, wire.OpEnvSet, wire.EnvSetArgs{Ref: ref, Path: words[1], Remove: true}, &result)
	}
	if !yes {
		if !isatty.IsTerminal(p.stdin.Fd()) {
			return usageError{"there is no terminal to ask on", "escenv env rm " + ref.String() + " --yes"}
		}
		if !p.confirm("remove " + ref.String() + " for good?") {
			return statusError(exitFailed)
		}
	}
	return p.call(ctx, wire.OpEnvRemove, wire.EnvRemoveArgs{Ref: ref}, nil)
}

// confirm asks a question on the terminal; anything but yes is no.
func (p *program) confirm(question string) bool {
	fmt.Fprintf(p.stderr, "escenv: %s [y/N] ", safe(question))
	answer, _ := bufio.NewReader(io.LimitReader(p.stdin, 1024)).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
