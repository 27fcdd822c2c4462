// Package identity gets identity tokens: from a file, an environment variable,
// a command, GitHub Actions, or signed here by an issuer of the user's own.
//
// Tokens are read, not verified: STS does that. What can be told beforehand,
// that a token is for another audience or has expired, is told here, in words
// that name what the token presents and never the token.
package identity

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// Options say where identity tokens come from. At most one of Issuer, File,
// Env, Command and GitHub is set; with none, tokens come from what the
// environment offers by itself, or else from the own issuer.
type Options struct {
	Issuer  bool     // the own issuer, whatever else is in reach
	File    string   // a file that holds a token, absolute
	Env     string   // the name of an environment variable that holds one
	Command []string // a program that prints one, and its arguments
	GitHub  bool     // GitHub Actions

	IssuerDir string        // where the own issuer's key is
	User      string        // whom the own issuer names in a token's subject
	Lifetime  time.Duration // of the own issuer's tokens; zero for DefaultLifetime

	Environ   []string          // the environment this process was started in
	Private   bool              // that environment is the caller's, and may hold tokens
	Now       func() time.Time  // the clock; required
	Transport http.RoundTripper // nil for net/http's usual one
}

// New returns the source that o chooses; its String method describes it. It
// returns an *esc.Error when the source can never work.
func New(o Options) (esc.TokenSource, error) {
	switch {
	case o.Issuer:
		return o.issuer(), nil
	case o.File != "":
		return File{Path: o.File, Now: o.Now}, nil
	case o.Env != "":
		return Env{Name: o.Env, Environ: o.Environ, Private: o.Private, Now: o.Now}, nil
	case len(o.Command) > 0:
		return NewCommand(o.Command, o.Environ, o.Now)
	case o.GitHub:
		return o.github(), nil
	}
	return byItself{ambient: o.ambient(), issuer: o.issuer()}, nil
}

func (o Options) issuer() keptIssuer {
	return keptIssuer{dir: o.IssuerDir, user: o.User, lifetime: cmp.Or(o.Lifetime, DefaultLifetime), now: o.Now}
}

func (o Options) github() GitHubActions {
	return GitHubActions{Environ: o.Environ, Private: o.Private, Now: o.Now, Transport: o.Transport}
}

func (o Options) ambient() Ambient {
	return Ambient{Environ: o.Environ, Private: o.Private, Now: o.Now, Transport: o.Transport}
}

// byItself is the source when nothing is configured: an ambient identity if
// the process may see one, else the own issuer. It looks anew each time, so an
// issuer that is made later is found.
type byItself struct {
	ambient Ambient
	issuer  keptIssuer
}

func (s byItself) Token(ctx context.Context, req esc.TokenRequest) (esc.Token, error) {
	if s.ambient.Private && s.ambient.Present() {
		return s.ambient.Token(ctx, req)
	}
	return s.issuer.Token(ctx, req)
}

func (s byItself) String() string {
	if s.ambient.Private && s.ambient.Present() {
		return s.ambient.String()
	}
	return s.issuer.String()
}

// A keptIssuer is the own issuer as it is on disk each time it is asked.
type keptIssuer struct {
	dir      string
	user     string
	lifetime time.Duration
	now      func() time.Time
}

func (k keptIssuer) Token(ctx context.Context, req esc.TokenRequest) (esc.Token, error) {
	i, err := OpenIssuer(k.dir)
	if err != nil {
		return esc.Token{}, err
	}
	i.User, i.Lifetime, i.Now = k.user, k.lifetime, k.now
	return i.Token(ctx, req)
}

func (k keptIssuer) String() string {
	i, err := OpenIssuer(k.dir)
	if err != nil {
		return "none: " + err.Error()
	}
	return i.String()
}

// errNoIdentity is what a user meets who has not chosen an identity yet.
func errNoIdentity() error {
	return esc.Errorf(esc.NotFound, "there is no identity to ask AWS with").
		WithHint("escenv issuer init https://YOUR-HOST/PATH, or set identity: in config.yaml")
}

// callerIdentity is the answer of the agent that many callers share.
func callerIdentity(what string) error {
	return esc.Errorf(esc.CallerIdentity, "the identity token is in %s of the caller, which the shared agent does not read", what).
		WithHint("run escenv with --no-agent there")
}

// getenv returns the last value of a variable, as shells do.
func getenv(environ []string, name string) string {
	for _, entry := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// unavailable says that a source could not be asked at all.
func unavailable(what string, err error) error {
	return &esc.Error{Kind: esc.Unavailable, Summary: fmt.Sprintf("%s: %v", what, err), Err: err}
}
