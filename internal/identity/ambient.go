package identity

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

const fileVariable = "AWS_WEB_IDENTITY_TOKEN_FILE"

// Ambient takes the identity that the place a process runs in gives it: a
// GitHub Actions job's, else the file that AWS_WEB_IDENTITY_TOKEN_FILE names
// (Kubernetes on AWS and others).
type Ambient struct {
	Environ   []string          // the environment to look in
	Private   bool              // whether that is the caller's own
	Now       func() time.Time  // the clock
	Transport http.RoundTripper // nil for net/http's usual one
	Settings  string            // the file that could choose another source, for hints
}

// Present reports whether the environment offers an identity.
func (a Ambient) Present() bool {
	return a.github().present() || getenv(a.Environ, fileVariable) != ""
}

// String describes the source.
func (a Ambient) String() string {
	switch {
	case a.github().present():
		return a.github().String()
	case a.Present():
		return a.file().String()
	}
	return "none in the environment"
}

// Token gets a token from what is present. Unless a is Private it returns an
// *esc.Error of kind CallerIdentity.
func (a Ambient) Token(ctx context.Context, req esc.TokenRequest) (esc.Token, error) {
	switch {
	case !a.Private:
		return esc.Token{}, callerIdentity("the environment")
	case a.github().present():
		return a.github().Token(ctx, req)
	case !a.Present():
		return esc.Token{}, noIdentity(a.Settings)
	case !filepath.IsAbs(a.file().Path):
		return esc.Token{}, esc.Errorf(esc.Invalid, "%s is not an absolute path", fileVariable)
	}
	return a.file().Token(ctx, req)
}

func (a Ambient) github() GitHubActions { return GitHubActions(a) }

func (a Ambient) file() File {
	return File{Path: getenv(a.Environ, fileVariable), Now: a.Now, Settings: a.Settings}
}
