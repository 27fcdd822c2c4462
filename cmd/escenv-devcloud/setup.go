package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/escenv/escenv/internal/devcloud"
)

// runSetup does once what a person does once in AWS.
func (p *program) runSetup(ctx context.Context, args []string) error {
	var stateFile, path string
	plan := devcloud.Plan{Objects: sampleObjects()}
	f := p.flags("setup")
	f.StringVar(&stateFile, "state-file", "", "the file that serve keeps")
	f.StringVar(&path, "issuer-path", "", "the issuer's path below the issuers' site, like /team")
	f.StringVar(&plan.IssuerURL, "issuer", "", "the issuer's URL, if it is somewhere else")
	f.StringVar(&plan.Audience, "audience", "sts.amazonaws.com", "the audience its tokens must have")
	f.StringVar(&plan.Subject, "subject", "escenv:env:shop/dev:user:*", "a pattern for the subjects that the role trusts")
	f.StringVar(&plan.Role, "role", "shop-dev", "the role's name")
	f.DurationVar(&plan.MaxSession, "max-session", time.Hour, "the longest session of the role")
	f.StringVar(&plan.Bucket, "bucket", "shop-receipts", "a bucket for the role to read")
	if err := p.parse(f, args, 0, 0); err != nil {
		return err
	}
	s, client, err := p.readState(stateFile)
	if err != nil {
		return err
	}
	plan.Account = s.Account
	if plan.IssuerURL == "" {
		plan.IssuerURL = s.IssuerURL + path
	}
	made, err := client.Setup(ctx, plan)
	if err != nil {
		return err
	}
	return json.NewEncoder(p.stdout).Encode(made)
}

// sampleObjects is what there is to see in the bucket.
func sampleObjects() map[string]string {
	return map[string]string{
		"2026/11/receipt-1041.txt": "one espresso machine, 249.00 EUR\n",
		"2026/11/receipt-1042.txt": "two cups, 18.00 EUR\n",
	}
}

// runAdmin steers a running devcloud: METHOD PATH [JSON].
func (p *program) runAdmin(ctx context.Context, args []string) error {
	var stateFile string
	f := p.flags("admin")
	f.StringVar(&stateFile, "state-file", "", "the file that serve keeps")
	f.Usage = func() {
		fmt.Fprint(p.stderr, `usage: escenv-devcloud admin --state-file F METHOD PATH [JSON]

  POST faults '{"action":"AssumeRoleWithWebIdentity","code":"IDPCommunicationError","times":2}'
       also: "status", "message", "delay" ("2s"), "body" (text instead of an answer), "drop" (true: none)
  DELETE faults
  GET counts            calls by action
  GET requests          every request, oldest first, without secrets
  DELETE requests
  POST sessions '{"life":"5s"}'       sessions from now on end so soon
  POST sessions '{"expire":true}'     those that exist end now
  DELETE keys           forget the keys of issuers
`)
	}
	if err := p.parse(f, args, 2, 3); err != nil {
		return err
	}
	_, client, err := p.readState(stateFile)
	if err != nil {
		return err
	}
	var body, result json.RawMessage
	if f.NArg() == 3 {
		body = json.RawMessage(f.Arg(2))
	}
	if err := client.Admin(ctx, f.Arg(0), f.Arg(1), body, &result); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", result)
	return err
}
