package devcloud

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/devcloud/policy"
	"github.com/escenv/escenv/internal/devcloud/sigv4"
)

// maxSkew is how far a signer's clock may be from ours.
const maxSkew = 15 * time.Minute

// A session is what STS gave out.
type session struct {
	key     Key
	role    string // its name
	arn     string // of the assumed role
	userID  string
	narrow  []*policy.Document // session policies: each must allow too
	expires time.Time
}

// caller is who signed a request.
type caller struct {
	arn     string
	userID  string
	session *session // nil for the root key
}

// authenticate finds out who signed r, for service, over a body with
// payloadHash.
func (c *Cloud) authenticate(r *http.Request, s *sigv4.Signature, service, payloadHash string, say words) (*caller, error) {
	now := c.options.Now()
	switch {
	case s.Service != service:
		return nil, fail(http.StatusForbidden, say.mismatch.code, "Credential should be scoped to correct service: '%s'.", service)
	case !s.Presigned && absolute(now.Sub(s.Time)) > maxSkew:
		return nil, say.skewed(s.Time, now)
	case s.Presigned && (now.After(s.Time.Add(s.Expires)) || s.Time.Sub(now) > maxSkew):
		return nil, fail(http.StatusForbidden, "AccessDenied", "Request has expired")
	}
	key, who := c.lookup(s.AccessKeyID)
	switch {
	case who == nil:
		return nil, say.unknownKey
	case subtle.ConstantTimeCompare([]byte(key.SessionToken), []byte(s.Token)) != 1:
		return nil, say.badToken
	case !s.Matches(r, key.SecretAccessKey, payloadHash):
		return nil, say.mismatch
	case who.session != nil && !now.Before(c.expiry(who.session)):
		return nil, say.expired
	}
	return who, nil
}

// readSignature finds a request's signature in the service's words.
func readSignature(r *http.Request, say words) (*sigv4.Signature, error) {
	s, err := sigv4.Read(r)
	switch {
	case errors.Is(err, sigv4.ErrNone):
		return nil, say.unsigned
	case errors.Is(err, sigv4.ErrUnsigned):
		return nil, say.headers
	case err != nil:
		return nil, say.malformed
	}
	return s, nil
}

// lookup finds a key and its owner, who is nil if there is no such key.
func (c *Cloud) lookup(accessKeyID string) (Key, *caller) {
	if accessKeyID == c.options.Root.AccessKeyID {
		return c.options.Root, &caller{arn: c.arn("iam", "root"), userID: c.options.Account}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.sessions[accessKeyID]; ok {
		return s.key, &caller{arn: s.arn, userID: s.userID, session: s}
	}
	return Key{}, nil
}

func (c *Cloud) expiry(s *session) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.expires
}

// permit refuses what neither the role's policies nor the session's allow.
// Root may do everything.
func (c *Cloud) permit(who *caller, action, resource string) error {
	if who.session == nil {
		return nil
	}
	req := policy.Request{Action: action, Resource: resource}
	switch {
	case c.roleDecides(who.session.role, req) != policy.Allowed:
		return notAuthorized(who, req, "identity-based")
	case !all(who.session.narrow, req):
		return notAuthorized(who, req, "session")
	}
	return nil
}

// roleDecides asks the policies of a role.
func (c *Cloud) roleDecides(name string, req policy.Request) policy.Decision {
	c.mu.Lock()
	defer c.mu.Unlock()
	decision := policy.Silent
	for _, p := range c.roles[name].policies {
		decision = max(decision, p.Permits(req))
	}
	return decision
}

func all(narrow []*policy.Document, req policy.Request) bool {
	for _, p := range narrow {
		if p.Permits(req) != policy.Allowed {
			return false
		}
	}
	return true
}

func notAuthorized(who *caller, req policy.Request, kind string) *failure {
	on := ""
	if !strings.HasSuffix(req.Resource, "*") {
		on = ` on resource: "` + req.Resource + `"`
	}
	return fail(http.StatusForbidden, "AccessDenied", "User: %s is not authorized to perform: %s%s because no %s policy allows the %s action",
		who.arn, req.Action, on, kind, req.Action)
}

func absolute(d time.Duration) time.Duration {
	if d < 0 {
		return -d
	}
	return d
}
