// Package credentials finds the AWS credentials in an opened environment and
// puts them into the forms in which AWS's clients take them: what a container's
// credentials endpoint answers, and what a credential_process prints. It also
// knows what those clients would prefer to either.
//
// escenv links it, so it may not import anything heavy.
package credentials

import (
	"time"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// Credentials are those of one AWS session.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string    // empty for a user's own key
	Expires         time.Time // zero if never
}

// The variables that hold credentials.
const (
	accessKeyID     = "AWS_ACCESS_KEY_ID"
	secretAccessKey = "AWS_SECRET_ACCESS_KEY" //nolint:gosec // the name of one
	sessionToken    = "AWS_SESSION_TOKEN"     //nolint:gosec // the name of one
)

// Find returns the credentials that an environment's variables hold. They
// expire with the first of the leases they rest on. Without an access key and
// its secret there are none, which is an *esc.Error.
func Find(env *esc.Environment) (Credentials, error) {
	var c Credentials
	fields := map[string]*string{accessKeyID: &c.AccessKeyID, secretAccessKey: &c.SecretAccessKey, sessionToken: &c.SessionToken}
	for _, v := range env.Variables {
		field := fields[v.Name]
		if field == nil {
			continue
		}
		*field, _ = v.Value.RevealString()
		if !utf8.ValidString(*field) {
			return c, esc.Errorf(esc.Invalid, "%s sets a %s that is no text", env.Name, v.Name)
		}
		c.Expires = first(c.Expires, expiry(env, v.Leases))
	}
	for _, name := range []string{accessKeyID, secretAccessKey} {
		if *fields[name] == "" {
			return c, esc.Errorf(esc.Invalid, "%s sets no %s", env.Name, name).
				WithHint("escenv check %s", env.Name)
		}
	}
	return c, nil
}

// expiry returns when the first of those leases expires.
func expiry(env *esc.Environment, leases []int) time.Time {
	var end time.Time
	for _, i := range leases {
		if i >= 0 && i < len(env.Leases) {
			end = first(end, env.Leases[i].Expires)
		}
	}
	return end
}

// first returns the earlier of two times, of which zero is never.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
