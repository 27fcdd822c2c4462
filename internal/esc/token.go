package esc

import (
	"context"
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
