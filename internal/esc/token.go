package esc

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A TokenSource gets identity tokens.
type TokenSource interface {
	// Token gets a token. It returns an *Error of kind CallerIdentity when the
	// token lives in an environment this process must not read.
	Token(ctx context.Context, req TokenRequest) (Token, error)
}

// A TokenRequest says what an identity token is for.
type TokenRequest struct {
	Audience string
	Site     Site
	// Subject lists the attributes to build the subject from, in order, for
	// sources that sign themselves. Empty for the default subject.
	Subject []string
}

// A Token is an identity token: the JWT that STS sees, and what it claims.
// The claims were read, not verified; STS verifies.
type Token struct {
	JWT      Value // a secret string
	Issuer   string
	Subject  string
	Audience []string
	Expires  time.Time
}

// maxClaim is how much of one claim a message shows, in characters.
const maxClaim = 256

// Claims returns what the token presents, for a message to be held against a
// role's trust policy: "iss=... aud=... sub=... exp=...". The token itself is
// not in it.
func (t Token) Claims() string {
	return fmt.Sprintf("iss=%s aud=%s sub=%s exp=%s",
		OneLine(t.Issuer, maxClaim), OneLine(strings.Join(t.Audience, ","), maxClaim),
		OneLine(t.Subject, maxClaim), t.Expires.UTC().Format(time.RFC3339))
}
