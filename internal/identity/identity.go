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
	"errors"
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
	Settings  string            // the file that sets all this, for hints
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
		return File{Path: o.File, Now: o.Now, Settings: o.Settings}, nil
	case o.Env != "":
		return Env{Name: o.Env, Environ: o.Environ, Private: o.Private, Now: o.Now, Settings: o.Settings}, nil
	case len(o.Command) > 0:
		return NewCommand(o)
	case o.GitHub:
		return o.github(), nil
	}
	return byItself{ambient: o.ambient(), issuer: o.issuer()}, nil
}

func (o Options) issuer() keptIssuer {
	return keptIssuer{o}
}

func (o Options) github() GitHubActions {
	return GitHubActions{Environ: o.Environ, Private: o.Private, Now: o.Now, Transport: o.Transport, Settings: o.Settings}
}

func (o Options) ambient() Ambient {
	return Ambient(o.github())
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
type keptIssuer struct{ o Options }

func (k keptIssuer) open() (*Issuer, error) {
	i, err := OpenIssuer(k.o.IssuerDir)
	if wrong, ok := errors.AsType[*esc.Error](err); ok && wrong.Kind == esc.NotFound {
		return nil, noIdentity(k.o.Settings)
	}
	if err != nil {
		return nil, err
	}
	i.User, i.Lifetime, i.Now, i.Settings = k.o.User, cmp.Or(k.o.Lifetime, DefaultLifetime), k.o.Now, k.o.Settings
	return i, nil
}

func (k keptIssuer) Token(ctx context.Context, req esc.TokenRequest) (esc.Token, error) {
	i, err := k.open()
	if err != nil {
		return esc.Token{}, err
	}
	return i.Token(ctx, req)
}

func (k keptIssuer) String() string {
	i, err := k.open()
	if err != nil {
		return "none: " + err.Error()
	}
	return i.String()
}

// noIdentity is what a user meets who has not chosen an identity yet.
func noIdentity(settings string) error {
	return esc.Errorf(esc.NotFound, "there is no identity to ask AWS with").
		WithHint("%s, or set identity: in %s", initCommand, settings)
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
