package main

import (
	"context"
	"strings"

	"github.com/escenv/escenv/internal/credentials"
	"github.com/escenv/escenv/internal/esc"
)

// processHelp is what shows how it is used.
const processHelp = "escenv credential-process --help"

// runCredentialProcess is escenv credential-process, dispatched before the
// command line is built: AWS's clients run it whenever they start. ok is false
// if it is help that is asked for.
func (p *program) runCredentialProcess() (status int, ok bool) {
	given, help, err := p.credentialProcessArgs(p.args[2:])
	switch {
	case help:
		return 0, false
	case err != nil:
		return p.report(err), true
	}
	return p.report(p.credentialProcess(context.Background(), given)), true
}

// credentialProcessArgs reads flags and the reference, which may be missing.
func (p *program) credentialProcessArgs(args []string) (given []string, help bool, err error) {
	flagsEnd := false
	for _, word := range args {
		switch {
		case !flagsEnd && word == "--":
			flagsEnd = true
		case flagsEnd || !strings.HasPrefix(word, "-"):
			given = append(given, word)
		case word == "-h" || strings.TrimLeft(word, "-") == "help":
			return nil, true, nil
		case strings.TrimLeft(word, "-") == "no-agent":
			p.private = true
		default:
			return nil, false, usageError{"there is no flag " + word, processHelp}
		}
	}
	if len(given) > 1 {
		return nil, false, usageError{"there is more than one reference", processHelp}
	}
	return given, false, nil
}

// credentialProcess prints an environment's credentials and nothing else: what
// a client cannot read, or has to wait for a person to answer, is of no use.
func (p *program) credentialProcess(ctx context.Context, given []string) error {
	refs, err := p.layers(given, "escenv credential-process project/name")
	if err != nil {
		return err
	}
	env, err := p.opener().Open(ctx, esc.Request{Refs: refs, Want: esc.WantVariables})
	if err != nil {
		return err
	}
	found, err := credentials.Find(env)
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(found.Process())
	return err
}
