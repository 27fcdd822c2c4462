package policy_test

import (
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/devcloud/policy"
)

const provider = "arn:aws:iam::123456789012:oidc-provider/id.example/team"

func trust(condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},
		"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":` + condition + `}]}`
}

func assume(aud, sub string) policy.Request {
	return policy.Request{
		Principal: provider, Action: "sts:AssumeRoleWithWebIdentity",
		Keys: map[string][]string{"id.example/team:aud": {aud}, "id.example/team:sub": {sub}},
	}
}

func TestATrustPolicyAllowsOnlyWhatItNames(t *testing.T) {
	both := `{"StringEquals":{"id.example/team:aud":"sts.amazonaws.com","id.example/team:sub":["a","b"]}}`
	for name, tt := range map[string]struct {
		condition string
		req       policy.Request
		want      policy.Decision
	}{
		"the named subject":      {both, assume("sts.amazonaws.com", "b"), policy.Allowed},
		"another subject":        {both, assume("sts.amazonaws.com", "c"), policy.Silent},
		"another audience":       {both, assume("x", "a"), policy.Silent},
		"keys in another case":   {strings.ReplaceAll(both, ":sub", ":SUB"), assume("sts.amazonaws.com", "a"), policy.Allowed},
		"values in another case": {both, assume("STS.amazonaws.com", "a"), policy.Silent},
		"a pattern":              {`{"StringLike":{"id.example/team:sub":"env:prod:*"}}`, assume("", "env:prod:user:al"), policy.Allowed},
		"a pattern, not whole":   {`{"StringLike":{"id.example/team:sub":"env:prod:*"}}`, assume("", "xenv:prod:"), policy.Silent},
		"a pattern as equality":  {`{"StringEquals":{"id.example/team:sub":"env:*"}}`, assume("", "env:prod"), policy.Silent},
		"a key that is absent":   {`{"StringEquals":{"id.example/team:email":"a"}}`, assume("", ""), policy.Silent},
		"an operator not known":  {`{"StringNotEquals":{"id.example/team:sub":"c"}}`, assume("", "a"), policy.Silent},
		"IfExists":               {`{"StringEqualsIfExists":{"id.example/team:email":"a"}}`, assume("", "a"), policy.Silent},
		"ForAllValues":           {`{"ForAllValues:StringEquals":{"id.example/team:email":"a"}}`, assume("", "a"), policy.Silent},
		"no condition":           {`{}`, assume("", ""), policy.Allowed},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := policy.Parse(trust(tt.condition))
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Trusts(tt.req); got != tt.want {
				t.Errorf("decision %v, want %v", got, tt.want)
			}
		})
	}
}

func TestATrustPolicyLooksAtPrincipalAndAction(t *testing.T) {
	d, err := policy.Parse(trust(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	foreign := assume("", "")
	foreign.Principal += "2"
	other := assume("", "")
	other.Action = "sts:SetSourceIdentity"
	for name, req := range map[string]policy.Request{"principal": foreign, "action": other} {
		if d.Trusts(req) != policy.Silent {
			t.Errorf("another %s was allowed", name)
		}
	}
	anyone, err := policy.Parse(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if anyone.Trusts(assume("", "")) != policy.Silent {
		t.Error(`a principal of "*" let a federated identity in`)
	}
	denied, err := policy.Parse(strings.TrimSuffix(trust(`{}`), "]}") + `,{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if denied.Trusts(assume("", "")) != policy.Denied {
		t.Error("a Deny for everybody let a federated identity in")
	}
}

func TestAnIdentityPolicy(t *testing.T) {
	d, err := policy.Parse(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:Get*","Resource":["arn:aws:s3:::shop/*"]},
		{"Effect":"Allow","Action":"s3:listallmybuckets","Resource":"*"},
		{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::shop/secret/*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		action, resource string
		want             policy.Decision
	}{
		{"s3:GetObject", "arn:aws:s3:::shop/a", policy.Allowed},
		{"s3:GetObject", "arn:aws:s3:::shop2/a", policy.Silent},
		{"s3:PutObject", "arn:aws:s3:::shop/a", policy.Silent},
		{"s3:GetObject", "arn:aws:s3:::shop/secret/a", policy.Denied},
		{"s3:ListAllMyBuckets", "*", policy.Allowed},
	} {
		if got := d.Permits(policy.Request{Action: tt.action, Resource: tt.resource}); got != tt.want {
			t.Errorf("%s on %s: %v, want %v", tt.action, tt.resource, got, tt.want)
		}
	}
}

func TestWhatIsNotUnderstoodNeverAllows(t *testing.T) {
	for name, text := range map[string]string{
		"NotAction":        `{"Statement":{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}}`,
		"NotResource":      `{"Statement":{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::a"}}`,
		"a date":           `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}}}`,
		"a Deny by a date": `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"x:y","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2030-01-01T00:00:00Z"}}}]}`,
	} {
		d, err := policy.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d.Permits(policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/c"}) == policy.Allowed {
			t.Errorf("%s allowed", name)
		}
	}
}

func TestMalformedPolicies(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                ``,
		"not an object":        `[]`,
		"no statement":         `{"Version":"2012-10-17"}`,
		"another version":      `{"Version":"2012-10-18","Statement":{"Effect":"Allow","Action":"*"}}`,
		"no effect":            `{"Statement":{"Action":"*"}}`,
		"no action":            `{"Statement":{"Effect":"Allow"}}`,
		"an unknown element":   `{"Statement":{"Effect":"Allow","Action":"*","Conditions":{}}}`,
		"an element twice":     `{"Statement":{"Effect":"Deny","effect":"Allow","Action":"*"}}`,
		"an unknown operator":  trust(`{"StringSimilar":{"a":"b"}}`),
		"an unknown principal": `{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Federal":"x"}}}`,
		"an object as value":   trust(`{"StringEquals":{"a":{}}}`),
		"something after it":   trust(`{}`) + `{}`,
		"too long":             trust(`{}`) + strings.Repeat(" ", policy.MaxLength),
		"too deep":             strings.Repeat("[", 2000),
	} {
		if _, err := policy.Parse(text); err == nil {
			t.Errorf("%s: was read", name)
		}
	}
}

func TestLike(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"*", "", true},
		{"?", "", false},
		{"a*b", "ab", true},
		{"a*b", "axxb", true},
		{"a*b", "axxc", false},
		{"*a*", "bab", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"a**", "a", true},
		{"*ab", "aab", true},
		{strings.Repeat("a*", 50) + "b", strings.Repeat("a", 5000), false},
	} {
		if policy.Like(tt.pattern, tt.text) != tt.want {
			t.Errorf("Like(%.20q, %.20q) is not %v", tt.pattern, tt.text, tt.want)
		}
	}
}

// FuzzParse: no document makes reading or deciding fail, and a foreign
// provider is never trusted.
func FuzzParse(f *testing.F) {
	f.Add(trust(`{"StringLike":{"id.example/team:sub":"a*"}}`))
	f.Add(`{"Statement":[{"Effect":"Deny","Action":"*","Principal":"*"}]}`)
	f.Add(`{"Statement":{"Effect":"Allow","NotAction":[],"Action":["*"],"Resource":"*"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := policy.Parse(text)
		if err != nil {
			return
		}
		if d.Trusts(policy.Request{Principal: "\x00nobody", Action: "sts:AssumeRoleWithWebIdentity"}) == policy.Allowed && !strings.Contains(text, "nobody") {
			t.Error("a provider that the policy does not name was trusted")
		}
		d.Permits(policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::a/b"})
	})
}
