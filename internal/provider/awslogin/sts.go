package awslogin

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/escenv/escenv/internal/esc"
)

// STS is the one thing that is asked of AWS. *sts.Client implements it.
type STS interface {
	AssumeRoleWithWebIdentity(context.Context, *sts.AssumeRoleWithWebIdentityInput, ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error)
}

const (
	timeout       = 10 * time.Second // for one question and its answer
	maxAnswer     = 1 << 20
	maxCredential = 64 << 10 // AWS promises no bound for session tokens
)

// newSTS returns a client that reads no environment and no shared files, asks
// once and follows no redirect, since whoever it asks gets the token. It also
// returns the host it asks.
func newSTS(o Options) (client STS, host string) {
	options := sts.Options{
		Region:      o.Region,
		Credentials: aws.AnonymousCredentials{},
		Retryer:     aws.NopRetryer{},
		HTTPClient: &http.Client{
			Timeout:       timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     limited{next: o.Transport},
		},
	}
	if o.Endpoint != "" {
		options.BaseEndpoint = aws.String(o.Endpoint)
	}
	where, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(),
		sts.EndpointParameters{Region: aws.String(options.Region), Endpoint: options.BaseEndpoint}.WithDefaults())
	if err != nil {
		return sts.New(options), "AWS STS" // asking will say what is wrong
	}
	return sts.New(options), where.URI.Host
}

// limited refuses answers that are too long. It reads them whole: the SDK ends
// its request as soon as the answer begins, upon which net/http may close the
// connection below an answer that is still on its way.
type limited struct{ next http.RoundTripper }

var errTooLong = errors.New("the answer is longer than 1 MiB")

func (l limited) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := cmp.Or(l.next, http.DefaultTransport).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxAnswer:
		return nil, errTooLong
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// accept refuses an answer that cannot be used. Not every STS fills in the
// role that was assumed, and nothing here needs it.
func (p *Provider) accept(out *sts.AssumeRoleWithWebIdentityOutput) (*types.Credentials, error) {
	c := out.Credentials
	switch {
	case c == nil, !usable(c.AccessKeyId), !usable(c.SecretAccessKey), !usable(c.SessionToken):
		return nil, esc.Errorf(esc.Unavailable, "%s answered without usable credentials", p.Host).WithHint("look whether "+isSTS, p.Settings)
	case c.Expiration == nil:
		return nil, esc.Errorf(esc.Unavailable, "%s gave credentials without an expiration", p.Host).WithHint("look whether "+isSTS, p.Settings)
	case !c.Expiration.After(p.Now()):
		return nil, esc.Errorf(esc.Unavailable, "%s gave credentials that expired at %s", p.Host, c.Expiration.UTC().Format(time.RFC3339)).
			WithHint("look whether this machine's clock is right")
	}
	return c, nil
}

func usable(text *string) bool { return text != nil && credential(*text) == "" }
