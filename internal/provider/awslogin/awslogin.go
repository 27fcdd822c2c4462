// Package awslogin is fn::open::aws-login: an identity token goes to AWS STS
// and temporary credentials come back, or static ones are passed on.
//
// All inputs are those of the provider of the same name in Pulumi ESC, and
// they are checked before anything is sent. The output adds expiration. Region
// and endpoint are the agent's configuration alone; the SDK's own way of
// finding them, and credentials, in the environment is not linked.
package awslogin

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/escenv/escenv/internal/esc"
)

// A Provider implements fn::open::aws-login.
type Provider struct {
	Tokens   esc.TokenSource
	Audience string // what tokens are asked for
	STS      STS
	Host     string // of STS, for messages
	Settings string // the file that names region and endpoint, for messages

	Now   func() time.Time                           // the clock
	Sleep func(context.Context, time.Duration) error // waits between attempts

	region string // of STS, if it is AWS's own
}

// Options are what New makes a Provider of.
type Options struct {
	Tokens    esc.TokenSource
	Audience  string
	Region    string            // "eu-west-1"; with an Endpoint it means nothing
	Endpoint  string            // of STS; empty for AWS's in Region
	Settings  string            // the file that names both, for messages
	Now       func() time.Time  // the clock
	Transport http.RoundTripper // nil for net/http's usual one
}

// New returns a provider that asks STS as o says.
func New(o Options) *Provider {
	p := &Provider{Tokens: o.Tokens, Audience: o.Audience, Settings: o.Settings, Now: o.Now, Sleep: sleep}
	p.STS, p.Host = newSTS(o)
	if o.Endpoint == "" {
		p.region = o.Region
	}
	return p
}

// Check finds what is wrong with the inputs.
func (p *Provider) Check(inputs esc.Value) esc.Diagnostics {
	_, diags := read(inputs)
	return diags
}

// Open returns {accessKeyId, secretAccessKey, sessionToken, expiration}, the
// first three secret and the last in RFC 3339. Static credentials have no
// expiration, and a sessionToken only if one was given.
//
// Without a duration STS decides, one hour at AWS. Upstream asks for two then,
// which a role with AWS's default maximum refuses.
//
// It returns an *esc.Error of kind Invalid for a role that STS cannot know,
// Refused with what AWS said and what the
// token presented, or Unavailable if asking again may help.
func (p *Provider) Open(ctx context.Context, inputs esc.Value, at esc.Site) (esc.Opened, error) {
	in, diags := read(inputs)
	switch {
	case diags.Err() != nil:
		return esc.Opened{}, diags
	case inputs.HasUnknown():
		return esc.Opened{}, esc.Errorf(esc.Internal, "aws-login was opened before its inputs were known")
	case in.static != nil:
		return esc.Opened{Value: esc.New(in.static)}, nil
	}
	if err := p.checkPartition(in.oidc.role); err != nil {
		return esc.Opened{}, err
	}
	credentials, err := p.assume(ctx, *in.oidc, at)
	if err != nil {
		return esc.Opened{}, err
	}
	return output(credentials), nil
}

func output(c *types.Credentials) esc.Opened {
	expires := c.Expiration.UTC()
	return esc.Opened{Expires: expires, Value: esc.New(map[string]esc.Value{
		"accessKeyId":     esc.NewSecret(*c.AccessKeyId),
		"secretAccessKey": esc.NewSecret(*c.SecretAccessKey),
		"sessionToken":    esc.NewSecret(*c.SessionToken),
		"expiration":      esc.New(expires.Format(time.RFC3339)),
	})}
}

// How often STS is asked: in all, and where it could not fetch the issuer's
// keys, which it also says of an issuer that has none.
const (
	attempts    = 4
	keyAttempts = 3
)

// assume exchanges a token for credentials. A token that expired on the way is
// replaced once.
func (p *Provider) assume(ctx context.Context, login oidc, at esc.Site) (*types.Credentials, error) {
	req := esc.TokenRequest{Audience: p.Audience, Site: at, Subject: login.subject}
	token, err := p.Tokens.Token(ctx, req)
	if err != nil {
		return nil, err
	}
	replaced := false
	for attempt := 1; ; attempt++ {
		esc.Progress(ctx, "waiting for "+p.Host)
		out, err := p.STS.AssumeRoleWithWebIdentity(ctx, login.input(token))
		if err == nil {
			return p.accept(out)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f := diagnose(err)
		switch {
		case f.expired() && !replaced:
			replaced = true
			if token, err = p.Tokens.Token(ctx, req); err != nil {
				return nil, err
			}
		case attempt < f.attempts:
			if err := p.Sleep(ctx, pause(attempt)); err != nil {
				return nil, err
			}
		default:
			return nil, p.explain(f, login, token)
		}
	}
}

// pause is how long to wait after an attempt, the first being 1: up to 0.2s,
// and twice that after each further one, never less than half.
func pause(attempt int) time.Duration {
	longest := 200 * time.Millisecond << (attempt - 1)
	return longest/2 + rand.N(longest/2) // it spreads callers; guessing it gains nothing
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
