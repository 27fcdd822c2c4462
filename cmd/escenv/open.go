//go:build !escenv_light

package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// valueFormats show values, the default first.
var valueFormats = [...]string{"json", "yaml", "string", "detailed"}

// variableFormats show environmentVariables: they know no PATH.
var variableFormats = [...]string{"dotenv", "github-env", "shell", "bash", "zsh", "fish"}

// formats that open can write.
func formats() []string { return slices.Concat(valueFormats[:], variableFormats[:]) }

func (p *program) newOpenCommand() *cli.Command {
	var ask wire.RenderArgs
	return &cli.Command{
		Name:      "open",
		Usage:     "open an environment and print its values, secrets in the clear",
		ArgsUsage: "REF [PATH]",
		Description: help(`Opens everything in the environment, or only what PATH needs, and prints it. A
PATH reads like a reference in a definition: aws.login.sessionToken, hosts[0],
["a key"].

   json, yaml     every value; numbers keep their text
   string         one value as it is
   detailed       JSON with what is secret, and where each value was written
   dotenv         the environmentVariables, for loaders of .env files
   shell          the same for sh and its family: eval "$(escenv open ...)"
   bash zsh fish  the same in a shell's own words
   github-env     the same for $GITHUB_ENV; secrets are masked in the job's log

What a format cannot hold exactly is refused.`,
			plainExit, `escenv open shop/dev --format json | jq .aws
escenv open shop/dev db.password --format string`),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: valueFormats[0], Usage: "print as `FORMAT`, one of those above", Destination: &ask.Format},
			p.noAgentFlag(),
		},
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 2)
			if err != nil {
				return err
			}
			ask.Path = first(args[1:])
			return p.runOpen(c.Context, args[0], ask)
		},
	}
}

func (p *program) runOpen(ctx context.Context, ref string, args wire.RenderArgs) (err error) {
	variables := slices.Contains(variableFormats[:], args.Format)
	switch {
	case !slices.Contains(formats(), args.Format):
		return unknownFormat(args.Format)
	case args.Path != "" && variables:
		return usageError{args.Format + " is a format for all environmentVariables: it takes no PATH", "escenv open --help"}
	}
	if args.Ref, err = p.parseRef(ref); err != nil {
		return err
	}
	masking := args.Format == "github-env" && p.getenv("GITHUB_ACTIONS") == "true"
	if masking && hidden(p.stderr) {
		return esc.Errorf(esc.Invalid, "GitHub Actions reads on stderr what it has to mask, and stderr goes elsewhere").
			WithHint("leave stderr alone: drop the redirection, 2>...")
	}
	var result wire.RenderResult
	if err := p.call(ctx, wire.OpRender, args, &result); err != nil {
		return withHint(err, args.Path != "", "escenv env get "+args.Ref.String())
	}
	p.printDiagnostics(result.Warnings)
	if masking {
		if _, err := p.stderr.WriteString(masks(result.Secrets)); err != nil {
			return err
		}
	}
	if variables && len(result.Files) > 0 {
		p.sayWarn("no file is written, and these variables are left out: " + strings.Join(result.Files, " "))
		p.sayHint("escenv exec -e " + args.Ref.String() + " -- COMMAND, which writes them for as long as it runs")
	}
	return p.printText(result.Text)
}

// unknownFormat says which format was meant, or which there are.
func unknownFormat(format string) error {
	hint := "escenv open --help"
	if meant, ok := strings.CutPrefix(esc.DidYouMean(format, formats()), "did you mean "); ok {
		hint = "--format " + strings.TrimSuffix(meant, "?")
	}
	return usageError{"there is no format " + format + ": use " + strings.Join(formats(), ", "), hint}
}

// printText prints what was opened as it is; on a terminal the prompt gets a
// line of its own.
func (p *program) printText(text []byte) error {
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) && isatty.IsTerminal(p.stdout.Fd()) {
		text = append(text, '\n')
	}
	_, err := p.stdout.Write(text)
	return err
}

// hidden reports whether what is written to file is kept from whoever reads
// the log: it is a file on disk, or goes nowhere.
func hidden(file *os.File) bool {
	info, err := file.Stat()
	if err != nil {
		return true
	}
	nowhere, err := os.Stat(os.DevNull)
	return info.Mode().IsRegular() || err == nil && os.SameFile(info, nowhere)
}

// masks are the commands that have GitHub Actions hide secrets in the logs of
// a job from now on. Its runner reads them on stdout, which is taken, and on
// stderr, and keeps them from the log.
func masks(secrets []string) string {
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	var b strings.Builder
	for _, secret := range secrets {
		b.WriteString("::add-mask::" + escape.Replace(secret) + "\n")
	}
	return b.String()
}
