package devcloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/devcloud/policy"
	"github.com/escenv/escenv/internal/devcloud/webidentity"
)

const (
	minSession   = 900   // seconds
	maxSession   = 43200 // seconds
	hour         = 3600  // seconds
	maxPolicy    = 2048  // characters of a session policy
	maxArns      = 10
	assumeAction = "sts:AssumeRoleWithWebIdentity"
)

// assumption is a checked request to assume a role.
type assumption struct {
	account  string
	roleName string
	session  string
	seconds  int
	token    string
	narrow   []*policy.Document
}

// assumeRoleWithWebIdentity checks in this order: the parameters, the token,
// its issuer, its signature, its audience, its time, the role's trust.
func (c *Cloud) assumeRoleWithWebIdentity(ctx context.Context, req call) (any, error) {
	a, err := c.readAssumption(req)
	if err != nil {
		return nil, err
	}
	token, client, err := c.verify(ctx, a.token)
	if err != nil {
		return nil, err
	}
	r, err := c.trusting(a, token, client)
	if err != nil {
		return nil, err
	}
	if time.Duration(a.seconds)*time.Second > r.max {
		return nil, fail(http.StatusBadRequest, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return c.assumedRole(c.openSession(r, a), token, client), nil
}

// verify finds out what a token is worth and which client id it is for.
func (c *Cloud) verify(ctx context.Context, text string) (*webidentity.Token, string, error) {
	token, err := webidentity.Parse(text)
	if err != nil {
		return nil, "", refusal(err)
	}
	clients, ok := c.clients(token.Issuer)
	if !ok {
		return nil, "", fail(http.StatusBadRequest, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for %s", token.Issuer)
	}
	if err := c.issuers.Verify(ctx, token); err != nil {
		return nil, "", refusal(err)
	}
	client, err := token.Client(clients)
	if err != nil {
		return nil, "", refusal(err)
	}
	return token, client, refusal(token.CheckTime(c.options.Now()))
}

// refusal puts what is wrong with a token into an answer.
func refusal(err error) error {
	e, ok := errors.AsType[*webidentity.Error](err)
	if !ok {
		return err
	}
	return fail(http.StatusBadRequest, e.Code, "%s", e.Message)
}

func (c *Cloud) clients(issuer string) ([]string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.providers[issuer]
	if !ok {
		return nil, false
	}
	return p.clients, true
}

// trusting returns the role if it trusts the token. A role that is not there
// and one that does not trust look the same from outside.
func (c *Cloud) trusting(a *assumption, token *webidentity.Token, client string) (*role, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	denied := fail(http.StatusForbidden, "AccessDenied", "Not authorized to perform "+assumeAction)
	r, ok := c.roles[a.roleName]
	if !ok || a.account != c.options.Account {
		return nil, denied
	}
	actions := []string{assumeAction}
	if token.Tags {
		actions = append(actions, "sts:TagSession")
	}
	if token.SourceIdentity != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	for _, action := range actions {
		req := policy.Request{Principal: c.providers[token.Issuer].arn, Action: action, Keys: conditionKeys(token, client)}
		if r.trust.Trusts(req) != policy.Allowed {
			return nil, denied
		}
	}
	return r, nil
}

// conditionKeys are what AWS lets a trust policy see of a private issuer's
// token.
func conditionKeys(token *webidentity.Token, client string) map[string][]string {
	name := providerName(token.Issuer)
	keys := map[string][]string{name + ":aud": {client}, name + ":sub": {token.Subject}}
	if token.Email != "" {
		keys[name+":email"] = []string{token.Email}
	}
	return keys
}

// openSession makes credentials.
func (c *Cloud) openSession(r *role, a *assumption) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	life := time.Duration(a.seconds) * time.Second
	if c.life > 0 {
		life = min(life, c.life)
	}
	s := &session{
		key: Key{
			AccessKeyID:     "ASIA" + c.options.Random()[:16],
			SecretAccessKey: c.options.Random() + c.options.Random()[:14],
			SessionToken:    c.options.Random() + c.options.Random() + c.options.Random(),
		},
		role: r.name, arn: c.arn("sts", "assumed-role/"+r.name+"/"+a.session), userID: r.id + ":" + a.session,
		narrow: a.narrow, expires: c.options.Now().Add(life).Truncate(time.Second),
	}
	c.sessions[s.key.AccessKeyID] = s
	return s
}

type assumedRoleResult struct {
	Credentials    credentialsResult
	Subject        string `xml:"SubjectFromWebIdentityToken"`
	ARN            string `xml:"AssumedRoleUser>Arn"`
	ID             string `xml:"AssumedRoleUser>AssumedRoleId"`
	Provider       string
	Audience       string
	SourceIdentity string `xml:",omitempty"`
}

type credentialsResult struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func (c *Cloud) assumedRole(s *session, token *webidentity.Token, client string) assumedRoleResult {
	return assumedRoleResult{
		Credentials: credentialsResult{s.key.AccessKeyID, s.key.SecretAccessKey, s.key.SessionToken, c.expiry(s).UTC().Format(time.RFC3339)},
		Subject:     token.Subject, ARN: s.arn, ID: s.userID,
		Provider: token.Issuer, Audience: client, SourceIdentity: token.SourceIdentity,
	}
}

func (c *Cloud) getCallerIdentity(_ context.Context, req call) (any, error) {
	return struct {
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	}{req.who.arn, req.who.userID, c.options.Account}, nil
}

// readAssumption checks the parameters as STS does: every one before any.
func (c *Cloud) readAssumption(req call) (*assumption, error) {
	var wrong violations
	wrong.length(req, "RoleArn", 20, 2048)
	wrong.length(req, "RoleSessionName", 2, 64)
	wrong.pattern(req, "RoleSessionName", `[\w+=,.@-]*`)
	wrong.length(req, "WebIdentityToken", webidentity.MinLength, webidentity.MaxLength)
	seconds := wrong.between(req, "DurationSeconds", hour, minSession, maxSession)
	if req.Has("Policy") {
		wrong.length(req, "Policy", 1, maxPolicy)
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	a := &assumption{session: req.Get("RoleSessionName"), seconds: seconds, token: req.Get("WebIdentityToken")}
	parts := regexp.MustCompile(`^arn:aws:iam::(\d{12}):role/(?:[!-~]*/)?([\w+=,.@-]+)$`).FindStringSubmatch(req.Get("RoleArn"))
	if parts == nil {
		return nil, fail(http.StatusBadRequest, "ValidationError", "Request ARN is invalid")
	}
	a.account, a.roleName = parts[1], parts[2]
	var err error
	a.narrow, err = c.sessionPolicies(req)
	return a, err
}

// sessionPolicies reads what narrows a session: an inline policy, and managed
// ones, of which this account has none but a few of AWS's own.
func (c *Cloud) sessionPolicies(req call) ([]*policy.Document, error) {
	var list []*policy.Document
	if text := req.Get("Policy"); text != "" {
		p, err := policy.Parse(text)
		if err != nil {
			return nil, malformed(err)
		}
		list = append(list, p)
	}
	arns := req.members("PolicyArns", ".arn")
	if len(arns) > maxArns {
		return nil, fail(http.StatusBadRequest, "ValidationError", "At most %d PolicyArns may be given", maxArns)
	}
	for _, arn := range arns {
		text, ok := managedPolicy(arn)
		if !ok {
			return nil, fail(http.StatusBadRequest, "ValidationError", "The policy %s does not exist or is not attachable", arn)
		}
		p, err := policy.Parse(text)
		if err != nil {
			return nil, malformed(err)
		}
		list = append(list, p)
	}
	return list, nil
}

func managedPolicy(arn string) (text string, ok bool) {
	actions, ok := map[string]string{
		"arn:aws:iam::aws:policy/AdministratorAccess":    `"*"`,
		"arn:aws:iam::aws:policy/AmazonS3FullAccess":     `"s3:*"`,
		"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess": `["s3:Get*","s3:List*"]`,
	}[arn]
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}}`, ok
}

func malformed(err error) error {
	return fail(http.StatusBadRequest, "MalformedPolicyDocument", "%v", err)
}

// violations collects what is wrong with parameters, in STS's words.
type violations []string

func (v *violations) add(req call, name, constraint string) {
	value := "null"
	if req.Has(name) {
		value = "'" + req.Get(name) + "'"
	}
	if name == "WebIdentityToken" && req.Has(name) {
		value = "'***'" // never echo a token
	}
	field := strings.ToLower(name[:1]) + name[1:]
	*v = append(*v, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, field, constraint))
}

func (v *violations) length(req call, name string, low, high int) {
	n := len([]rune(req.Get(name)))
	switch {
	case !req.Has(name):
		v.add(req, name, "Member must not be null")
	case n < low:
		v.add(req, name, fmt.Sprintf("Member must have length greater than or equal to %d", low))
	case n > high:
		v.add(req, name, fmt.Sprintf("Member must have length less than or equal to %d", high))
	}
}

func (v *violations) pattern(req call, name, pattern string) {
	if req.Has(name) && !regexp.MustCompile(`^(?:`+pattern+`)$`).MatchString(req.Get(name)) {
		v.add(req, name, "Member must satisfy regular expression pattern: "+pattern)
	}
}

func (v *violations) between(req call, name string, fallback, low, high int) int {
	n, err := req.number(name, fallback)
	switch {
	case err != nil:
		v.add(req, name, "Member must be a number")
	case n < low:
		v.add(req, name, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	case n > high:
		v.add(req, name, fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
	return n
}

func (v *violations) err() error {
	switch len(*v) {
	case 0:
		return nil
	case 1:
		return fail(http.StatusBadRequest, "ValidationError", "1 validation error detected: %s", (*v)[0])
	}
	return fail(http.StatusBadRequest, "ValidationError", "%d validation errors detected: %s", len(*v), strings.Join(*v, "; "))
}
