package e2e

import (
	"strings"
	"testing"
	"time"
)

// A refusal is a token that a cloud must not take, and what a person must be
// shown of it besides the issuer.
type refusal struct {
	settings string                    // config.yaml
	token    func(t *testing.T) string // handed in; nil for the own issuer's
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
				h.write("given/token", refusal.token(t))
				h.configure("identity: {file: '" + h.path("given/token") + "'}\n" + c.awsSettings())
			}
			r := h.run(".", "escenv", "exec", "-e", "shop/prod", "--", "echo", "the command ran")
			if r.status != 125 || r.stdout != "" {
				t.Errorf("status %d, want 125; stdout %q", r.status, r.stdout)
			}
			for _, want := range append(refusal.want, "escenv: error: ", "iss", issuerURL, "aud", "sub", "exp") {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("stderr does not say %q:\n%s", want, r.stderr)
				}
			}
		})
	}
}
