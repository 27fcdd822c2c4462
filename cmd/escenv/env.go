//go:build !escenv_light

package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

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
			&cli.StringFlag{Name: "role", Usage: "assume the role `ARN`", Destination: &role},
			&cli.StringFlag{Name: "region", Usage: "AWS `REGION` for the commands that are run", Destination: &region},
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "take the definition from `FILE`, - for stdin", Destination: &file},
		},
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 1)
			if err != nil {
				return err
			}
			if file != "" && (role != "" || region != "") {
				return usageError{"--file excludes --role and --region", helpOf(c)}
			}
			return p.runEnvInit(c.Context, args[0], file, role, region)
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
	switch {
	case file != "":
		p.sayHint("escenv check " + ref.String())
	case role == "":
		p.sayHint("escenv env edit " + ref.String() + " to name your role")
	default:
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

// yamlString writes s as one YAML scalar.
func yamlString(s string) string {
	special := func(r rune) bool { return !isLetter(r) && !strings.ContainsRune("0123456789_./@+=:,-", r) }
	if s != "" && isLetter(rune(s[0])) && !strings.HasSuffix(s, ":") && strings.IndexFunc(s, special) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func isLetter(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' && r < unicode.MaxASCII }

func (p *program) newEnvListCommand() *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list the definitions",
		Description: help("Prints the references of all definitions, one a line.", plainExit, "escenv env ls"),
		Flags:       []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if _, err := words(c, 0, 0); err != nil {
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

func (p *program) newEnvRemoveCommand() *cli.Command {
	return &cli.Command{
		Name: "rm", Usage: "remove a definition, or one value of it", ArgsUsage: "REF [PATH]",
		Description: help("Removes the whole definition after asking, or without asking the value at PATH.", plainExit,
			"escenv env rm shop/old --yes\nescenv env rm shop/dev environmentVariables.LOG_LEVEL"),
		Flags: []cli.Flag{&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"}},
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 2)
			if err != nil {
				return err
			}
			return p.runEnvRemove(c.Context, args[0], first(args[1:]), c.Bool("yes"))
		},
	}
}

func (p *program) runEnvRemove(ctx context.Context, name, path string, yes bool) error {
	ref, err := p.parseRef(name)
	if err != nil {
		return err
	}
	if path != "" {
		var result wire.EnvWriteResult
		err := p.call(ctx, wire.OpEnvSet, wire.EnvSetArgs{Ref: ref, Path: path, Remove: true}, &result)
		return withHint(err, true, "escenv env get "+ref.String())
	}
	if !yes {
		if !p.onTerminal() {
			return usageError{"there is no terminal to ask on", "escenv env rm " + ref.String() + " --yes"}
		}
		if yes, err := p.ask(ctx, "remove "+ref.String()+" for good?"); err != nil || !yes {
			return cmp.Or(err, error(statusError(exitFailed)))
		}
	}
	return p.call(ctx, wire.OpEnvRemove, wire.EnvRemoveArgs{Ref: ref}, nil)
}
