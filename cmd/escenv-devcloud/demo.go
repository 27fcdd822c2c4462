package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/escenv/escenv/internal/devcloud"
)

const (
	demoEnv    = "shop/dev"
	demoRole   = "shop-dev"
	demoBucket = "shop-receipts"
	demoPath   = "/alice" // of the issuer
)

// A demo is a throw-away home with everything in it, and the cloud it talks
// to.
type demo struct {
	*program
	dir    string // everything that is written is below it
	site   *devcloud.Site
	shell  string // the person's: a path
	secret string // what must never be seen
	paced  bool   // somebody is watching
}

// runDemo shows escenv's main job, checks that it was seen, and leaves nothing
// behind.
func (p *program) runDemo(ctx context.Context, args []string) error {
	var stay bool
	terminal := isatty.IsTerminal(p.stdin.Fd()) && isatty.IsTerminal(p.stdout.Fd())
	f := p.flags("demo")
	f.BoolVar(&stay, "stay", terminal, "stay in the demo's shell at the end; by default on a terminal")
	if err := p.parse(f, args, 0, 0); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(tempDir(), "escenv-demo-")
	if err != nil {
		return err
	}
	d := &demo{program: p, dir: dir, paced: terminal, secret: "pay_" + rand.Text()}
	err = d.run(ctx, stay && terminal)
	if ctx.Err() != nil {
		err = errInterrupted
	}
	return errors.Join(err, d.clean())
}

// tempDir is where the demo lives: not too deep, for there will be a socket,
// whose path must be short.
func tempDir() string {
	if dir := os.TempDir(); len(dir) < 40 {
		return dir
	}
	return "/tmp"
}

func (d *demo) run(ctx context.Context, stay bool) error {
	for _, step := range []func(context.Context) error{d.build, d.startCloud, d.makeHome, d.findAWS, d.register, d.define} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	screen, err := d.openShell(ctx)
	if err != nil {
		return err
	}
	defer screen.close()
	if err := d.tour(ctx, screen); err != nil {
		return err
	}
	if stay {
		return d.play(ctx, screen)
	}
	return screen.leave(ctx)
}

// clean stops the agent and removes everything.
func (d *demo) clean() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var stopped error
	if _, err := os.Stat(d.path("bin/escenv")); err == nil {
		stopped = d.escenv(ctx, nil, "agent", "stop")
	}
	if d.site != nil {
		d.site.Close()
	}
	return errors.Join(stopped, os.RemoveAll(d.dir))
}

func (d *demo) path(name string) string { return d.dir + "/" + name }

// say tells whoever started the demo what goes on.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.stderr, "demo: "+format+"\n", args...)
}

// startCloud starts the cloud, with nothing in it.
func (d *demo) startCloud(context.Context) error {
	var err error
	d.site, err = devcloud.Open(devcloud.SiteOptions{
		Addr: "127.0.0.1:0", IssuerAddr: "127.0.0.1:0", Dir: d.path("public"), Account: defaultAccount, Now: d.now,
	})
	if err == nil {
		d.say("an AWS of our own answers at %s", d.site.Endpoint)
	}
	return err
}

// register does in the cloud what a person does once in AWS.
func (d *demo) register(ctx context.Context) error {
	root := &devcloud.Client{Endpoint: d.site.Endpoint, Region: defaultRegion, Key: d.site.Root, Now: d.now}
	made, err := root.Setup(ctx, devcloud.Plan{
		Account: defaultAccount, IssuerURL: d.site.IssuerURL + demoPath, Audience: "sts.amazonaws.com", Subject: "escenv:env:" + demoEnv + ":user:*",
		Role: demoRole, MaxSession: time.Hour, Bucket: demoBucket, Objects: sampleObjects(),
	})
	if err == nil {
		d.say("it trusts the issuer %s for %s", made.IssuerURL, made.RoleARN)
	}
	return err
}
