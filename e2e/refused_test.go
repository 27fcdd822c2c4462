package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A refusal is a token that a cloud must not take, and what a person must be
// shown of it besides the issuer.
type refusal struct {
	settings string                    // config.yaml
	token    func(t *testing.T) string // handed in; nil for the own issuer's
	early    bool                      // escenv refuses it itself, as the cloud would
	want     []string
}

// refusals returns all of them by name.
func (c cloud) refusals() map[string]refusal {
	soon := time.Now().Add(5 * time.Minute)
	past := time.Now().Add(-10 * time.Minute) // STS forgives five
	minute := func(at time.Time) string { return at.UTC().Format("2006-01-02T15:04") }
	return map[string]refusal{
		"a wrong audience": {
			settings: ownIssuer + "\naudience: somebody-else",
			want:     []string{"somebody-else", subject},
		},
		"a wrong subject": {
			settings: "identity: {issuer: {user: mallory}}",
			want:     []string{audience, "escenv:env:shop/prod:user:mallory"},
		},
		"a foreign key": {
			token: func(t *testing.T) string { return c.issuer.forger(t).token(t, subject, soon) },
			want:  []string{audience, subject, minute(soon)},
		},
		"an end past its grace": {
			token: func(t *testing.T) string { return c.issuer.signer(t).token(t, subject, past) },
			early: true,
			want:  []string{audience, subject, minute(past)},
		},
	}
}

// testRefused checks that the command does not run, and that whoever set up
// the cloud sees what was presented, to compare it with what is expected.
func (c cloud) testRefused(t *testing.T, names ...string) {
	for _, name := range names {
		t.Run("a token with "+name+" is refused", func(t *testing.T) {
			refusal := c.refusals()[name]
			h := c.person(t, refusal.settings)
			if refusal.token != nil {
				h.hand(refusal.token(t))
			}
			calls := c.sts.calls.Load()
			r := h.run(".", "escenv", "exec", "-e", "shop/prod", "--", "echo", "the command ran")
			t.Log(r.stderr)
			if r.status != 125 || r.stdout != "" {
				t.Errorf("status %d, want 125; stdout %q", r.status, r.stdout)
			}
			for _, want := range append(refusal.want, "escenv: error: ", "iss=", issuerURL, "aud=", "sub=", "exp=") {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("stderr does not say %q", want)
				}
			}
			if asked := c.sts.calls.Load() > calls; asked == refusal.early {
				t.Errorf("STS was asked: %v", asked)
			}
			if refusal.early {
				c.wantRefusal(t, refusal.token(t))
			}
		})
	}
}

// hand sets a home up to use an identity token from a file.
func (h *home) hand(token string) {
	h.t.Helper()
	h.write("given/token", token)
	h.configure("identity: {file: '" + h.path("given/token") + "'}")
}

// wantRefusal presents a token to the cloud's STS, without escenv.
func (c cloud) wantRefusal(t *testing.T, token string) {
	t.Helper()
	resp, err := http.PostForm(c.sts.url, url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"},
		"RoleArn": {c.role}, "RoleSessionName": {"escenv"}, "WebIdentityToken": {token},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("STS answers %s to a token it should refuse", resp.Status)
	}
}

// testGrace uses a token that has expired, but not for so long that AWS would
// refuse it.
func (c cloud) testGrace(t *testing.T) {
	h := c.person(t, "")
	h.hand(c.issuer.signer(t).token(t, subject, time.Now().Add(-2*time.Minute)))
	c.wantBucket(t, h.must(".", "escenv", "exec", "-e", "shop/prod", "--", "aws", "s3", "ls"))
}
