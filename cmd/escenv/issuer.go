//go:build !escenv_light

package main

import (
	"context"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/wire"
)

func (p *program) newIssuerCommand() *cli.Command {
	return &cli.Command{
		Name:  "issuer",
		Usage: "sign identity tokens with a key of your own",
		Description: help(`An issuer of your own needs no server: a private key here, and two public files on
any https host. Whoever holds the key is every subject of that issuer, so keep one
issuer for each person or trust group.`,
			plainExit, "escenv issuer init https://example.com/oidc/alice\nescenv issuer publish ./site"),
		Subcommands: []*cli.Command{p.newIssuerInitCommand(), p.newIssuerPublishCommand(), p.newIssuerShowCommand()},
	}
}

func (p *program) newIssuerInitCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "make the key", ArgsUsage: "URL",
		Description: help(`Makes an ECDSA P-256 key, readable by you alone, for the issuer at URL: https, no
port, no query, at most 255 characters, for ever. AWS fetches
URL/.well-known/openid-configuration, so you must be able to put files there.`,
			plainExit, "escenv issuer init https://example.com/oidc/alice"),
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 1)
			if err != nil {
				return err
			}
			var result wire.IssuerResult
			if err := p.call(c.Context, wire.OpIssuerInit, wire.IssuerInitArgs{URL: args[0]}, &result); err != nil {
				return err
			}
			p.say("made the key " + result.KeyID + " in " + result.KeyFile)
			p.sayHint("escenv issuer publish DIR writes the two files that must be reachable at " + result.URL)
			return nil
		},
	}
}

func (p *program) newIssuerPublishCommand() *cli.Command {
	return &cli.Command{
		Name: "publish", Usage: "write the public documents", ArgsUsage: "DIR",
		Description: help(`Writes DIR/.well-known/openid-configuration and DIR/keys.json. Copy what is in DIR
to the issuer's URL. They hold nothing secret, but whoever can change them there
can be you: protect that place like an administrator's password.`,
			plainExit, "escenv issuer publish ./site && aws s3 sync ./site s3://example-oidc/alice"),
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 1)
			if err != nil {
				return err
			}
			return p.runIssuerPublish(c.Context, args[0])
		},
	}
}

func (p *program) runIssuerPublish(ctx context.Context, dir string) error {
	if !filepath.IsAbs(dir) {
		here, err := p.dir()
		if err != nil {
			return err
		}
		dir = filepath.Join(here, dir)
	}
	var result wire.IssuerPublishResult
	if err := p.call(ctx, wire.OpIssuerPublish, wire.IssuerPublishArgs{Dir: dir}, &result); err != nil {
		return err
	}
	out := printer{w: p.stdout}
	for _, file := range result.Files {
		out.printf("%s\n", safe(file))
	}
	p.sayHint("copy what is in " + dir + " to " + result.URL)
	return out.err
}

func (p *program) newIssuerShowCommand() *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "print the issuer's URL and key id",
		Description: help("Prints which issuer signs identity tokens here, and with which key.", plainExit, "escenv issuer show"),
		Flags:       []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if _, err := words(c, 0, 0); err != nil {
				return err
			}
			var result wire.IssuerResult
			if err := p.call(c.Context, wire.OpIssuerShow, nil, &result); err != nil {
				return err
			}
			if c.Bool("json") {
				return p.printJSON(result)
			}
			out := printer{w: p.stdout}
			out.printf("url   %s\nkey   %s\nfile  %s\n", safe(result.URL), safe(result.KeyID), safe(result.KeyFile))
			return out.err
		},
	}
}
