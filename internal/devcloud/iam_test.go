package devcloud_test

import (
	"net/url"
	"strings"
	"testing"
)

func trustPolicy(provider, condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},
		"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity"],"Condition":` + condition + `}]}`
}

func (l *lab) provider() string {
	return "arn:aws:iam::" + account + ":oidc-provider/" + strings.TrimPrefix(l.issuer, "https://")
}

func (l *lab) trust(document string) error {
	return l.root().IAM(l.t.Context(), "UpdateAssumeRolePolicy", url.Values{"RoleName": {"shop-dev"}, "PolicyDocument": {document}}, nil)
}

// TestTrustIsDecidedByThePolicy changes the role's trust and asks the real way.
func TestTrustIsDecidedByThePolicy(t *testing.T) {
	l := newLab(t)
	name := strings.TrimPrefix(l.issuer, "https://")
	for what, tt := range map[string]struct {
		policy string
		token  object
		want   string
	}{
		"a condition on email":    {trustPolicy(l.provider(), `{"StringEquals":{"`+name+`:email":"a@b.c"}}`), object{"email": "a@b.c"}, ""},
		"which is missing":        {trustPolicy(l.provider(), `{"StringEquals":{"`+name+`:email":"a@b.c"}}`), nil, "AccessDenied"},
		"a claim AWS cannot see":  {trustPolicy(l.provider(), `{"StringEquals":{"`+name+`:groups":"dev"}}`), object{"groups": "dev"}, "AccessDenied"},
		"aud is azp":              {trustPolicy(l.provider(), `{"StringEquals":{"`+name+`:aud":"`+audience+`"}}`), object{"aud": []string{"a", "b"}, "azp": audience}, ""},
		"tags that are allowed":   {trustPolicy(l.provider(), `{}`), object{"https://aws.amazon.com/tags": object{}}, ""},
		"a source that is, too":   {trustPolicy(l.provider(), `{}`), object{"https://aws.amazon.com/source_identity": "alice"}, ""},
		"another provider":        {trustPolicy(l.provider()+"x", `{}`), nil, "AccessDenied"},
		"an operator not decided": {trustPolicy(l.provider(), `{"StringNotLike":{"`+name+`:sub":"x"}}`), nil, "AccessDenied"},
	} {
		if err := l.trust(tt.policy); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if _, err := l.assume(l.token(tt.token)); code(err) != tt.want {
			t.Errorf("%s: STS said %v, want %q", what, err, tt.want)
		}
	}
}

func TestPoliciesThatIAMRefuses(t *testing.T) {
	l := newLab(t)
	for name, tt := range map[string]struct{ document, want string }{
		"nonsense":             {"{", "MalformedPolicyDocument"},
		"no principal":         {`{"Statement":{"Effect":"Allow","Action":"*"}}`, "MalformedPolicyDocument"},
		"an unknown operator":  {trustPolicy(l.provider(), `{"StringSimilar":{"a":"b"}}`), "MalformedPolicyDocument"},
		"too long":             {trustPolicy(l.provider(), `{"StringEquals":{"a":"`+strings.Repeat("x", 2048)+`"}}`), "LimitExceeded"},
		"long by white space":  {trustPolicy(l.provider(), `{}`) + strings.Repeat(" ", 3000), ""},
		"nothing out of place": {trustPolicy(l.provider(), `{}`), ""},
	} {
		if err := l.trust(tt.document); code(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestRoles(t *testing.T) {
	l := newLab(t)
	good := trustPolicy(l.provider(), `{}`)
	for name, tt := range map[string]struct {
		action string
		form   url.Values
		want   string
	}{
		"a role twice":        {"CreateRole", url.Values{"RoleName": {"shop-dev"}, "AssumeRolePolicyDocument": {good}}, "EntityAlreadyExists"},
		"a bad name":          {"CreateRole", url.Values{"RoleName": {"a/b"}, "AssumeRolePolicyDocument": {good}}, "ValidationError"},
		"a long name":         {"CreateRole", url.Values{"RoleName": {strings.Repeat("a", 65)}, "AssumeRolePolicyDocument": {good}}, "ValidationError"},
		"half an hour":        {"CreateRole", url.Values{"RoleName": {"r"}, "MaxSessionDuration": {"1800"}, "AssumeRolePolicyDocument": {good}}, "ValidationError"},
		"no trust":            {"CreateRole", url.Values{"RoleName": {"r"}}, "MalformedPolicyDocument"},
		"one more":            {"CreateRole", url.Values{"RoleName": {"r"}, "AssumeRolePolicyDocument": {good}}, ""},
		"no such role":        {"GetRole", url.Values{"RoleName": {"none"}}, "NoSuchEntity"},
		"a policy for nobody": {"PutRolePolicy", url.Values{"RoleName": {"none"}, "PolicyName": {"p"}, "PolicyDocument": {good}}, "NoSuchEntity"},
		"a bad policy":        {"PutRolePolicy", url.Values{"RoleName": {"shop-dev"}, "PolicyName": {"p"}, "PolicyDocument": {"x"}}, "MalformedPolicyDocument"},
		"an unknown action":   {"DeleteEverything", nil, "InvalidAction"},
	} {
		if err := l.root().IAM(t.Context(), tt.action, tt.form, nil); code(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	var got struct {
		Arn    string `xml:"GetRoleResult>Role>Arn"`
		Max    int    `xml:"GetRoleResult>Role>MaxSessionDuration"`
		Policy string `xml:"GetRoleResult>Role>AssumeRolePolicyDocument"`
	}
	if err := l.root().IAM(t.Context(), "GetRole", url.Values{"RoleName": {"shop-dev"}}, &got); err != nil {
		t.Fatal(err)
	}
	if policy, _ := url.PathUnescape(got.Policy); got.Arn != roleARN || got.Max != 7200 || !strings.Contains(policy, l.provider()) {
		t.Errorf("GetRole answered %+v", got)
	}
	var list struct {
		Names []string `xml:"ListRolesResult>Roles>member>RoleName"`
	}
	if err := l.root().IAM(t.Context(), "ListRoles", nil, &list); err != nil || strings.Join(list.Names, " ") != "r shop-dev" {
		t.Errorf("ListRoles answered %v, %v", list.Names, err)
	}
}

// TestSetupTwice: the second time it changes what differs.
func TestSetupTwice(t *testing.T) {
	l := newLab(t)
	plan := l.plan()
	plan.Subject = "nobody"
	made, err := l.root().Setup(t.Context(), plan)
	if err != nil || made.RoleARN != roleARN || made.ProviderARN != l.provider() {
		t.Fatal(made, err)
	}
	if _, err := l.assume(l.token(nil)); code(err) != "AccessDenied" {
		t.Errorf("the old trust holds: %v", err)
	}
}
