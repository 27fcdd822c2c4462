//go:build !escenv_light

package main

import "github.com/urfave/cli/v2"

// credential-process never gets here but for help, as exec.

func (p *program) newCredentialProcessCommand() *cli.Command {
	return &cli.Command{
		Name:      "credential-process",
		Usage:     "print credentials for the AWS CLI and SDKs; ~/.aws/config names it",
		ArgsUsage: "[REF]",
		Description: help(`Prints the AWS credentials that the environment REF sets, or that of the nearest
allowed .escenv, as JSON with the time they expire. AWS's clients run it when
they need credentials, and again before those expire, if a profile in
~/.aws/config says so:

   [profile shop]
   credential_process = escenv credential-process shop/prod
   region = eu-west-1

Then "aws --profile shop s3 ls" works everywhere, without the hook. The agent
remembers the credentials from one time to the next.`,
			plainExit, `escenv credential-process shop/prod`),
		Flags:  []cli.Flag{p.noAgentFlag()},
		Action: cli.ShowSubcommandHelp,
	}
}
