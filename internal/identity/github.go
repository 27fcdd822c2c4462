package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

const (
	gitHubURL    = "ACTIONS_ID_TOKEN_REQUEST_URL"
	gitHubBearer = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

	fetchTimeout = 10 * time.Second
	maxAnswer    = 1 << 20

	gitHubHint = `give the job "permissions: {id-token: write}"`
)

// GitHubActions asks the token service of a GitHub Actions job, which needs
// the permission "id-token: write".
type GitHubActions struct {
	Environ   []string          // holds the service's URL and the bearer token it wants
	Private   bool              // whether that is the caller's own environment
	Now       func() time.Time  // the clock
	Transport http.RoundTripper // nil for net/http's usual one
	Settings  string            // the file that could choose another source, for hints
}

// String describes the source.
func (GitHubActions) String() string { return "GitHub Actions" }

// present reports whether the environment is that of such a job.
func (g GitHubActions) present() bool {
	return getenv(g.Environ, gitHubURL) != "" && getenv(g.Environ, gitHubBearer) != ""
}

// Token asks for a token for the audience. Unless g is Private it returns an
// *esc.Error of kind CallerIdentity; NotFound outside of a job that may ask;
// Refused if the service says so; Unavailable if it does not answer.
func (g GitHubActions) Token(ctx context.Context, req esc.TokenRequest) (esc.Token, error) {
	switch {
	case !g.Private:
		return esc.Token{}, callerIdentity("the environment")
	case !g.present():
		return esc.Token{}, esc.Errorf(esc.NotFound, "this is not a GitHub Actions job that may have an identity token").
			WithHint(gitHubHint)
	}
	address, err := gitHubRequest(getenv(g.Environ, gitHubURL), req.Audience)
	if err != nil {
		return esc.Token{}, err
	}
	esc.Progress(ctx, "waiting for GitHub's identity token")
	body, err := g.fetch(ctx, address)
	if refused, ok := errors.AsType[*esc.Error](err); ok {
		return esc.Token{}, refused
	}
	if err != nil {
		return esc.Token{}, unavailable("asking GitHub Actions for an identity token", err)
	}
	var answer struct{ Value string }
	if json.Unmarshal(body, &answer) != nil || answer.Value == "" {
		return esc.Token{}, esc.Errorf(esc.Unavailable, "GitHub Actions answered without an identity token")
	}
	return gate{g.String(), g.Settings, g.Now()}.admit(answer.Value, req)
}

// gitHubRequest adds the audience to the service's URL, which has a query
// already. The bearer token goes there, so it must be https, or this machine.
func gitHubRequest(address, audience string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return "", esc.Errorf(esc.Invalid, "%s is not an https URL", gitHubURL)
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "audience=" + url.QueryEscape(audience)
	return u.String(), nil
}

// fetch sends the bearer token to address and nowhere else: redirects are not
// followed. Errors say nothing of the address, which can hold identifiers.
func (g GitHubActions) fetch(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the URL cannot be used")
	}
	req.Header.Set("Authorization", "Bearer "+getenv(g.Environ, gitHubBearer))
	req.Header.Set("Accept", "application/json")
	client := http.Client{Transport: g.Transport, Timeout: fetchTimeout, CheckRedirect: stay}
	res, err := client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer res.Body.Close()
	status := esc.OneLine(res.Status, 60)
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, esc.Errorf(esc.Refused, "GitHub Actions refuses an identity token: the answer is %s", status).WithHint(gitHubHint)
	default:
		return nil, fmt.Errorf("the answer is %s", status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errors.New("the answer is longer than 1 MiB")
	}
	return body, err
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// isLoopback reports whether host is this machine by its name.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
