package identity

import (
	"context"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// An Env takes the token from an environment variable, where GitLab and others
// put it.
type Env struct {
	Name     string           // of the variable
	Environ  []string         // the environment to look in
	Private  bool             // whether that is the caller's own
	Now      func() time.Time // the clock
	Settings string           // the file that chose it, for hints
}

// String describes the source.
func (e Env) String() string { return "environment variable " + e.Name }

// Token returns the token. Unless e is Private it returns an *esc.Error of
// kind CallerIdentity; NotFound if the variable is not set.
func (e Env) Token(_ context.Context, req esc.TokenRequest) (esc.Token, error) {
	if !e.Private {
		return esc.Token{}, callerIdentity(e.String())
	}
	text := getenv(e.Environ, e.Name)
	if text == "" {
		return esc.Token{}, esc.Errorf(esc.NotFound, "the environment variable %s, which should hold the identity token, is not set", e.Name).
			WithHint("set it in this job, or change identity.env in %s", e.Settings)
	}
	return gate{e.String(), e.Settings, e.Now()}.admit(text, req)
}
