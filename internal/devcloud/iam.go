package devcloud

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/escenv/escenv/internal/devcloud/policy"
)

// IAM's limits.
const (
	maxIssuerURL  = 255   // characters
	maxClients    = 100   // of a provider
	maxThumbs     = 5     // of a provider
	maxTrust      = 2048  // characters, white space not counted
	maxRolePolicy = 10240 // likewise
)

func (c *Cloud) createProvider(ctx context.Context, req call) (any, error) {
	issuer := req.Get("Url")
	if err := checkIssuerURL(issuer); err != nil {
		return nil, err
	}
	clients := req.members("ClientIDList", "")
	if len(clients) > maxClients {
		return nil, fail(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClients)
	}
	if slices.ContainsFunc(clients, func(id string) bool { return id == "" || len(id) > 255 }) {
		return nil, invalidInput("A client id must have 1 to 255 characters")
	}
	thumbprints := req.members("ThumbprintList", "")
	if err := checkThumbprints(thumbprints); err != nil {
		return nil, err
	}
	if len(thumbprints) == 0 && c.issuers.Reach(ctx, issuer) != nil {
		return nil, fail(http.StatusBadRequest, "OpenIdIdpCommunicationError", "Unable to fetch the discovery document of %s", issuer)
	}
	return c.addProvider(issuer, clients)
}

func (c *Cloud) addProvider(issuer string, clients []string) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.providers[issuer]; ok {
		return nil, fail(http.StatusConflict, "EntityAlreadyExists", "Provider with url %s already exists.", issuer)
	}
	p := &provider{arn: c.arn("iam", "oidc-provider/"+providerName(issuer)), clients: clients}
	c.providers[issuer] = p
	return struct {
		ARN string `xml:"OpenIDConnectProviderArn"`
	}{p.arn}, nil
}

func checkIssuerURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, len(text) > maxIssuerURL, u.Scheme != "https", u.Host == "", u.User != nil, u.Fragment != "":
		return invalidInput("Invalid Open ID Connect Provider URL")
	case u.RawQuery != "", u.ForceQuery:
		return invalidInput("Open ID Connect Provider URL must not have a query")
	case u.Port() != "" && !isLoopback(u):
		return invalidInput("Open ID Connect Provider URL must not have a port")
	}
	return nil
}

func checkThumbprints(list []string) error {
	hex := regexp.MustCompile(`^[0-9A-Fa-f]{40}$`)
	if len(list) > maxThumbs || slices.ContainsFunc(list, func(t string) bool { return !hex.MatchString(t) }) {
		return invalidInput("Thumbprints must be at most %d strings of 40 hexadecimal digits", maxThumbs)
	}
	return nil
}

func invalidInput(format string, args ...any) error {
	return fail(http.StatusBadRequest, "InvalidInput", format, args...)
}

func (c *Cloud) createRole(_ context.Context, req call) (any, error) {
	var wrong violations
	wrong.length(req, "RoleName", 1, 64)
	wrong.pattern(req, "RoleName", `[\w+=,.@-]+`)
	seconds := wrong.between(req, "MaxSessionDuration", hour, hour, maxSession)
	if err := wrong.err(); err != nil {
		return nil, err
	}
	source := req.Get("AssumeRolePolicyDocument")
	trust, err := readTrust(source)
	if err != nil {
		return nil, err
	}
	name := req.Get("RoleName")
	r := &role{
		name: name, id: "AROA" + c.options.Random()[:16], arn: c.arn("iam", "role/"+name), max: time.Duration(seconds) * time.Second,
		created: c.options.Now(), trust: trust, source: source, policies: map[string]*policy.Document{},
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.roles[name]; ok {
		return nil, fail(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", name)
	}
	c.roles[name] = r
	return roleResult{describe(r)}, nil
}

// readTrust checks a trust policy as IAM does when it is written.
func readTrust(source string) (*policy.Document, error) {
	if length(source) > maxTrust {
		return nil, fail(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", maxTrust)
	}
	trust, err := policy.Parse(source)
	if err != nil {
		return nil, malformed(err)
	}
	if !trust.HasPrincipal() {
		return nil, malformed(errors.New("AssumeRolepolicy contained an invalid principal"))
	}
	return trust, nil
}

// length counts characters as IAM's quotas do.
func length(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

func (c *Cloud) updateTrust(_ context.Context, req call) (any, error) {
	source := req.Get("PolicyDocument")
	trust, err := readTrust(source)
	if err != nil {
		return nil, err
	}
	return nil, c.withRole(req, func(r *role) { r.trust, r.source = trust, source })
}

func (c *Cloud) putRolePolicy(_ context.Context, req call) (any, error) {
	var wrong violations
	wrong.length(req, "PolicyName", 1, 128)
	wrong.pattern(req, "PolicyName", `[\w+=,.@-]+`)
	if err := wrong.err(); err != nil {
		return nil, err
	}
	text := req.Get("PolicyDocument")
	if length(text) > maxRolePolicy {
		return nil, fail(http.StatusConflict, "LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", maxRolePolicy, req.Get("RoleName"))
	}
	document, err := policy.Parse(text)
	if err != nil {
		return nil, malformed(err)
	}
	return nil, c.withRole(req, func(r *role) { r.policies[req.Get("PolicyName")] = document })
}

func (c *Cloud) getRole(_ context.Context, req call) (any, error) {
	var found roleResult
	err := c.withRole(req, func(r *role) { found = roleResult{describe(r)} })
	return found, err
}

func (c *Cloud) listRoles(context.Context, call) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := struct {
		Roles       []roleDescription `xml:"Roles>member"`
		IsTruncated bool
	}{}
	for _, r := range c.roles {
		list.Roles = append(list.Roles, describe(r))
	}
	slices.SortFunc(list.Roles, func(a, b roleDescription) int { return strings.Compare(a.RoleName, b.RoleName) })
	return list, nil
}

// withRole does something to the role the request names.
func (c *Cloud) withRole(req call, do func(*role)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.roles[req.Get("RoleName")]
	if !ok {
		return fail(http.StatusNotFound, "NoSuchEntity", "The role with name %s cannot be found.", req.Get("RoleName"))
	}
	do(r)
	return nil
}

type roleResult struct {
	Role roleDescription
}

type roleDescription struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string // percent-encoded, as IAM does
	MaxSessionDuration       int
}

func describe(r *role) roleDescription {
	return roleDescription{
		"/", r.name, r.id, r.arn, r.created.UTC().Format(time.RFC3339), url.PathEscape(r.source), int(r.max / time.Second),
	}
}
