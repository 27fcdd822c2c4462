package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/escenv/escenv/internal/devcloud"
	"github.com/escenv/escenv/internal/safefile"
)

// A state is what serve prints when it is ready, as one line of JSON, and what
// the other commands read from the state file.
type state struct {
	Endpoint        string `json:"endpoint"`   // of STS, IAM and S3
	IssuerURL       string `json:"issuer_url"` // where --issuer-dir is
	Account         string `json:"account"`
	Region          string `json:"region"` // to sign for; any will do
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	CAFile          string `json:"ca_file,omitempty"`
}

const (
	defaultAccount = "123456789012"
	defaultRegion  = "eu-west-1"
)

// runServe serves until it is told to stop.
func (p *program) runServe(ctx context.Context, args []string) error {
	o := devcloud.SiteOptions{Now: p.now}
	var stateFile, caFile string
	var untilEOF bool
	f := p.flags("serve")
	f.StringVar(&o.Addr, "addr", "127.0.0.1:0", "where STS, IAM and S3 listen; loopback only")
	f.StringVar(&o.IssuerAddr, "issuer-addr", "127.0.0.1:0", "where the issuers' https site listens; loopback only")
	f.StringVar(&o.Dir, "issuer-dir", "", "what the issuers' site serves")
	f.StringVar(&o.Account, "account", defaultAccount, "the account's id")
	f.DurationVar(&o.MaxSessionLife, "max-session-life", 0, "end sessions early, whatever was asked for; no AWS has this")
	f.StringVar(&stateFile, "state-file", "", "keep the line that is printed here too, while serving")
	f.StringVar(&caFile, "ca-file", "", "write the throw-away CA of the issuers' site here")
	f.BoolVar(&untilEOF, "until-eof", false, "stop when stdin ends, too")
	if err := p.parse(f, args, 0, 0); err != nil {
		return err
	}
	site, err := devcloud.Open(o)
	if err != nil {
		return err
	}
	defer site.Close()
	line, err := json.Marshal(stateOf(site, o.Account, caFile))
	if err != nil {
		return err
	}
	defer p.forget(stateFile, caFile)
	if err := errors.Join(keep(caFile, site.CA), keep(stateFile, line)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(p.stdout, "%s\n", line); err != nil {
		return err
	}
	p.wait(ctx, untilEOF)
	return nil
}

func stateOf(site *devcloud.Site, account, caFile string) state {
	return state{
		Endpoint: site.Endpoint, IssuerURL: site.IssuerURL, Account: account, Region: defaultRegion,
		AccessKeyID: site.Root.AccessKeyID, SecretAccessKey: site.Root.SecretAccessKey, CAFile: caFile,
	}
}

// keep writes a file that only this user can read, if there is to be one.
func keep(file string, text []byte) error {
	if file == "" {
		return nil
	}
	return safefile.Replace(file, text, 0o600)
}

func (p *program) forget(files ...string) {
	for _, file := range files {
		if err := os.Remove(file); file != "" && err != nil {
			fmt.Fprintln(p.stderr, "escenv-devcloud: warning:", err)
		}
	}
}

// wait returns when ctx is done or, if asked for, when stdin has ended.
func (p *program) wait(ctx context.Context, untilEOF bool) {
	ended := make(chan struct{})
	if untilEOF {
		go func() {
			_, _ = io.Copy(io.Discard, p.stdin) // an error ends it as well
			close(ended)
		}()
	}
	select {
	case <-ctx.Done():
	case <-ended:
	}
}

// readState reads what serve keeps.
func (p *program) readState(file string) (*state, *devcloud.Client, error) {
	if file == "" {
		return nil, nil, errors.New("--state-file is needed: the one that serve was given")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", file, err)
	}
	key := devcloud.Key{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey}
	return &s, &devcloud.Client{Endpoint: s.Endpoint, Region: s.Region, Key: key, Now: p.now}, nil
}
