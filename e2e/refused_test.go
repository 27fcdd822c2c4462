package e2e

import (
	"strings"
	"testing"
	"time"
)

// testRefused is what happens to tokens that a cloud must not take. Whoever
// set it up has to see what was presented, to compare it with what the cloud
// expects.
func (c cloud) testRefused(t *testing.T) {
	soon := time.Now().Add(5 * time.Minute)
	for _, test := range []struct {
		name     string
		settings string
		token    func(t *testing.T) string // nil: the own issuer's
		want     []string
	}{
		{
			name: "wrong audience", settings: ownIssuer + "\naudience: somebody-else",
			want: []string{"somebody-else", subject},
		},
		{
			name: "wrong subject", settings: "identity: {issuer: {user: mallory}}",
			want: []string{audience, "escenv:env:shop/prod:user:mallory"},
		},
		{
			name:  "foreign key",
			token: func(t *testing.T) string { return c.issuer.forger(t).token(t, subject, soon) },
			want:  []string{audience, subject, soon.UTC().Format("2006-01-02T15:04")},
		},
		{
			name:  "past its grace",
			token: func(t *testing.T) string { return c.issuer.signer(t).token(t, subject, soon.Add(-15*time.Minute)) },
			want:  []string{audience, subject, soon.Add(-15 * time.Minute).UTC().Format("2006-01-02T15:04")},
		},
	} {
		t.Run("refuses a token with "+test.name, func(t *testing.T) {
			h := c.person(t, test.settings)
			if test.token != nil {
				h.write("given/token", test.token(t))
				h.write("config/escenv/config.yaml", "identity: {file: '"+h.path("given/token")+"'}\n"+c.awsSettings())
			}
			r := h.run(".", "escenv", "exec", "-e", "shop/prod", "--", "echo", "the command ran")
			if r.status != 125 || r.stdout != "" {
				t.Errorf("status %d, want 125; stdout %q", r.status, r.stdout)
			}
			for _, want := range append(test.want, issuerURL, "escenv: error: ", "iss", "aud", "sub", "exp") {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("stderr does not say %q:\n%s", want, r.stderr)
				}
			}
		})
	}
}
