package main

import (
	"cmp"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"sync/atomic"

	"github.com/escenv/escenv/internal/clock"
	"github.com/escenv/escenv/internal/config"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
	"github.com/escenv/escenv/internal/identity"
	"github.com/escenv/escenv/internal/provider/awslogin"
)

// A setup is what the configuration says, made ready.
type setup struct {
	file      fs.FileInfo // config.yaml as it was; nil without one
	config    *config.Config
	tokens    esc.TokenSource
	evaluator *eval.Evaluator
	identity  string                 // the file or directory that tokens rest on; empty if none
	person    atomic.Pointer[string] // whose tokens they are; see whoAmI
}

// current returns the setup of config.yaml as it is now. When the file has
// changed, what was opened by the old one is forgotten.
func (k *keeper) current() (*setup, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	file, err := os.Stat(k.dirs.settings())
	if err != nil {
		file = nil // config.Load says what is wrong, if anything is
	}
	if k.setup != nil && sameFile(k.setup.file, file) {
		return k.setup, nil
	}
	made, err := k.makeSetup()
	if err != nil {
		return nil, err
	}
	if k.setup != nil {
		k.forgetAll()
		defer k.touch()
	}
	k.followIdentity(made)
	made.file = file
	k.setup = made
	return made, nil
}

// sameFile reports whether two looks at a file saw the same.
func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func (k *keeper) makeSetup() (*setup, error) {
	cfg, err := config.Load(k.dirs.config)
	if err != nil {
		return nil, err
	}
	options := k.identityOptions(cfg.Identity)
	tokens, err := identity.New(options)
	if err != nil {
		return nil, err
	}
	evaluator := &eval.Evaluator{
		Loader:  loader{k.store},
		Context: contextOf(options.User),
		Providers: map[string]esc.Provider{
			"aws-login": k.leases.Around("aws-login", awslogin.New(awslogin.Options{
				Tokens: tokens, Audience: cfg.Audience, Region: cfg.AWS.Region, Endpoint: cfg.AWS.Endpoint,
				Settings: k.dirs.settings(), Now: clock.Now,
			})),
		},
	}
	return &setup{config: cfg, tokens: tokens, evaluator: evaluator, identity: k.identityFile(cfg.Identity)}, nil
}

// contextOf is what ${context} says of who opens a definition, in the words of
// definitions that come from Pulumi.
func contextOf(login string) map[string]esc.Value {
	if login == "" {
		return nil
	}
	object := func(name string, v esc.Value) esc.Value { return esc.New(map[string]esc.Value{name: v}) }
	return map[string]esc.Value{"pulumi": object("user", object("login", esc.New(login)))}
}

// identityFile is the file or directory that an identity's tokens rest on.
func (k *keeper) identityFile(chosen config.Identity) string {
	switch {
	case chosen.File != "":
		return chosen.File
	case chosen.Env != "" || len(chosen.Command) > 0 || chosen.GitHub:
		return ""
	}
	return k.dirs.issuer()
}

// loginName says who runs this. Cron and containers set no USER; the system's
// list of users may know the uid nevertheless.
func loginName(environ []string, uid int) string {
	if name := cmp.Or(getenv(environ, "USER"), getenv(environ, "LOGNAME")); name != "" {
		return name
	}
	found, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return "" // the issuer says what to do without one
	}
	return found.Username
}

func (k *keeper) identityOptions(chosen config.Identity) identity.Options {
	o := identity.Options{
		Issuer: chosen.Issuer != nil, File: chosen.File, Env: chosen.Env, Command: chosen.Command, GitHub: chosen.GitHub,
		IssuerDir: k.dirs.issuer(), Environ: k.environ, Private: k.private, Now: clock.Now,
		Settings: k.dirs.settings(), User: loginName(k.environ, os.Geteuid()),
	}
	if chosen.Issuer != nil {
		o.User = cmp.Or(chosen.Issuer.User, o.User)
		o.Lifetime = chosen.Issuer.Lifetime
	}
	return o
}
