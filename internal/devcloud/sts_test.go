package devcloud_test

import (
	"crypto"
	"crypto/elliptic"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/escenv/escenv/internal/devcloud"
)

func TestAGoodTokenBecomesASession(t *testing.T) {
	l := newLab(t)
	for alg := range l.keys {
		out, err := l.assume(l.sign(object{"alg": alg, "kid": alg}, l.claims(nil), l.keys[alg]))
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		if got := out.Credentials.Expiration.Sub(l.clock.now()); got != time.Hour {
			t.Errorf("%s: the session lasts %s", alg, got)
		}
		if *out.AssumedRoleUser.Arn != "arn:aws:sts::123456789012:assumed-role/shop-dev/alice" || !strings.HasSuffix(*out.AssumedRoleUser.AssumedRoleId, ":alice") {
			t.Errorf("%s: assumed %s", alg, *out.AssumedRoleUser.Arn)
		}
		if *out.Provider != l.issuer || *out.Audience != audience || *out.SubjectFromWebIdentityToken != "escenv:env:shop/dev:user:alice" {
			t.Errorf("%s: %s %s %s", alg, *out.Provider, *out.Audience, *out.SubjectFromWebIdentityToken)
		}
	}
	who, err := l.sts(l.session()).GetCallerIdentity(t.Context(), nil)
	if err != nil || *who.Arn != "arn:aws:sts::123456789012:assumed-role/shop-dev/alice" || *who.Account != account {
		t.Errorf("caller identity: %v %v", who, err)
	}
}

func TestTokensThatSTSRefuses(t *testing.T) {
	l := newLab(t)
	now := l.clock.now().Unix()
	header := func(h object, key crypto.Signer) string { return l.sign(h, l.claims(nil), key) }
	good := l.token(nil)
	for name, tt := range map[string]struct{ token, code, words string }{
		"not a JWT":             {"abcdef", "InvalidIdentityToken", "not a valid JWT"},
		"two parts":             {"e30.e30", "InvalidIdentityToken", "not a valid JWT"},
		"padded":                {good + "=", "InvalidIdentityToken", "not a valid JWT"},
		"a line end":            {good + "\n", "InvalidIdentityToken", "not a valid JWT"},
		"alg none":              {header(object{"alg": "none", "kid": "ES256"}, l.keys["ES256"]), "InvalidIdentityToken", "algorithm"},
		"alg HS256":             {header(object{"alg": "HS256", "kid": "ES256"}, l.keys["ES256"]), "InvalidIdentityToken", "algorithm"},
		"alg PS256":             {header(object{"alg": "PS256", "kid": "RS256"}, l.keys["RS256"]), "InvalidIdentityToken", "algorithm"},
		"no kid":                {header(object{"alg": "ES256"}, l.keys["ES256"]), "InvalidIdentityToken", "kid"},
		"crit":                  {header(object{"alg": "ES256", "kid": "ES256", "crit": []string{"b64"}}, l.keys["ES256"]), "InvalidIdentityToken", "crit"},
		"an unknown kid":        {header(object{"alg": "ES256", "kid": "other"}, l.keys["ES256"]), "InvalidIdentityToken", "verification key"},
		"another kid's alg":     {header(object{"alg": "RS256", "kid": "ES256"}, l.keys["RS256"]), "InvalidIdentityToken", "alg or kid"},
		"a foreign key":         {header(object{"alg": "ES256", "kid": "ES256"}, ecKey(t, elliptic.P256())), "InvalidIdentityToken", "signature"},
		"a foreign RSA key":     {header(object{"alg": "RS256", "kid": "RS256"}, rsaKey(t)), "InvalidIdentityToken", "signature"},
		"a key it brings":       {header(object{"alg": "ES256", "kid": "x", "jku": l.issuer + "/keys.json"}, ecKey(t, elliptic.P256())), "InvalidIdentityToken", "verification key"},
		"another issuer":        {l.token(object{"iss": "https://id.example.com"}), "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://id.example.com"},
		"a slash at the end":    {l.token(object{"iss": l.issuer + "/"}), "InvalidIdentityToken", "No OpenIDConnect provider found"},
		"another audience":      {l.token(object{"aud": "other"}), "InvalidIdentityToken", "Incorrect token audience"},
		"several, no azp":       {l.token(object{"aud": []string{audience, "b"}}), "InvalidIdentityToken", "Incorrect token audience"},
		"a foreign azp":         {l.token(object{"azp": "other"}), "InvalidIdentityToken", "Incorrect token audience"},
		"past its grace":        {l.token(object{"exp": now - 301}), "ExpiredTokenException", "Token expired"},
		"not yet good":          {l.token(object{"nbf": now + 301}), "InvalidIdentityToken", "not yet valid"},
		"no iat":                {l.token(object{"iat": nil}), "InvalidIdentityToken", "claim: iat"},
		"no sub":                {l.token(object{"sub": nil}), "InvalidIdentityToken", "claim: sub"},
		"an empty sub":          {l.token(object{"sub": ""}), "InvalidIdentityToken", "sub"},
		"a long sub":            {l.token(object{"sub": strings.Repeat("s", 256)}), "InvalidIdentityToken", "sub"},
		"no aud":                {l.token(object{"aud": nil}), "InvalidIdentityToken", "claim: aud"},
		"no exp":                {l.token(object{"exp": nil}), "InvalidIdentityToken", "claim: exp"},
		"exp not whole":         {l.token(object{"exp": float64(now) + 60.5}), "InvalidIdentityToken", "exp is not an integer"},
		"exp as text":           {l.token(object{"exp": "2026"}), "InvalidIdentityToken", "exp is not an integer"},
		"a sub nobody trusts":   {l.token(object{"sub": "escenv:env:shop/prod:user:alice"}), "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		"tags nobody allowed":   {l.token(object{"https://aws.amazon.com/tags": object{"principal_tags": object{"a": []string{"b"}}}}), "AccessDenied", "Not authorized"},
		"source, not allowed":   {l.token(object{"https://aws.amazon.com/source_identity": "alice"}), "AccessDenied", "Not authorized"},
		"three characters":      {"a.b", "ValidationError", "greater than or equal to 4"},
		"over 20000 characters": {strings.Repeat("a", 20001), "ValidationError", "less than or equal to 20000"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.assume(tt.token)
			if code(err) != tt.code || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("STS said %v, want %s with %q", err, tt.code, tt.words)
			}
			if err != nil && len(tt.token) > 10 && strings.Contains(err.Error(), tt.token) {
				t.Error("the answer repeats the token")
			}
		})
	}
}

func TestTokensThatSTSTakes(t *testing.T) {
	l := newLab(t)
	now := l.clock.now().Unix()
	for name, token := range map[string]string{
		"expired within the grace": l.token(object{"exp": now - 299}),
		"early within the grace":   l.token(object{"nbf": now + 299}),
		"no nbf":                   l.token(object{"nbf": nil}),
		"audiences with azp":       l.token(object{"aud": []string{"a", "b"}, "azp": audience}),
		"one audience in a list":   l.token(object{"aud": []string{audience}}),
		"headers that are ignored": l.sign(object{"alg": "ES256", "kid": "ES256", "jku": "https://evil.example", "x5u": 1, "jwk": object{}}, l.claims(nil), l.keys["ES256"]),
	} {
		if _, err := l.assume(token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParametersThatSTSRefuses(t *testing.T) {
	l := newLab(t)
	type input = sts.AssumeRoleWithWebIdentityInput
	for name, tt := range map[string]struct {
		change      func(*input)
		code, words string
	}{
		"a short ARN":         {func(in *input) { in.RoleArn = aws.String("arn:aws:iam") }, "ValidationError", "'roleArn'"},
		"a wrong ARN":         {func(in *input) { in.RoleArn = aws.String("arn:aws:iam::123456789012:user/x") }, "ValidationError", "Request ARN is invalid"},
		"no such role":        {func(in *input) { in.RoleArn = aws.String(roleARN + "x") }, "AccessDenied", "Not authorized"},
		"another account":     {func(in *input) { in.RoleArn = aws.String("arn:aws:iam::210987654321:role/shop-dev") }, "AccessDenied", "Not authorized"},
		"one character":       {func(in *input) { in.RoleSessionName = aws.String("a") }, "ValidationError", "'roleSessionName'"},
		"a session too long":  {func(in *input) { in.RoleSessionName = aws.String(strings.Repeat("a", 65)) }, "ValidationError", "less than or equal to 64"},
		"a session's slash":   {func(in *input) { in.RoleSessionName = aws.String("shop/dev") }, "ValidationError", `regular expression pattern: [\w+=,.@-]*`},
		"899 seconds":         {func(in *input) { in.DurationSeconds = aws.Int32(899) }, "ValidationError", "greater than or equal to 900"},
		"43201 seconds":       {func(in *input) { in.DurationSeconds = aws.Int32(43201) }, "ValidationError", "less than or equal to 43200"},
		"over the role's":     {func(in *input) { in.DurationSeconds = aws.Int32(7201) }, "ValidationError", "exceeds the MaxSessionDuration set for this role"},
		"two things at once":  {func(in *input) { in.DurationSeconds, in.RoleSessionName = aws.Int32(1), aws.String("/") }, "ValidationError", "validation errors detected"},
		"a long policy":       {func(in *input) { in.Policy = aws.String(strings.Repeat("p", 2049)) }, "ValidationError", "'policy'"},
		"a malformed policy":  {func(in *input) { in.Policy = aws.String("{}") }, "MalformedPolicyDocument", "no statement"},
		"an unknown policy":   {func(in *input) { in.PolicyArns = arns("arn:aws:iam::123456789012:policy/x") }, "ValidationError", "does not exist"},
		"eleven policies":     {func(in *input) { in.PolicyArns = arns(strings.Split(strings.Repeat("p,", 10)+"p", ",")...) }, "ValidationError", "At most 10"},
		"the role's max":      {func(in *input) { in.DurationSeconds = aws.Int32(7200) }, "", ""},
		"the shortest":        {func(in *input) { in.DurationSeconds = aws.Int32(900) }, "", ""},
		"a role below a path": {func(in *input) { in.RoleArn = aws.String("arn:aws:iam::123456789012:role/a/shop-dev") }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.assume(l.token(nil), tt.change)
			if code(err) != tt.code || err != nil && !strings.Contains(err.Error(), tt.words) {
				t.Errorf("STS said %v, want %q with %q", err, tt.code, tt.words)
			}
		})
	}
}

func arns(list ...string) []types.PolicyDescriptorType {
	var out []types.PolicyDescriptorType
	for _, a := range list {
		out = append(out, types.PolicyDescriptorType{Arn: &a})
	}
	return out
}

func TestMissingParametersAndActions(t *testing.T) {
	l := newLab(t)
	for form, want := range map[string]string{
		"Action=AssumeRoleWithWebIdentity&Version=2011-06-15":                   "3 validation errors detected",
		"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&DurationSeconds=x": "Member must be a number",
		"Action=AssumeRole&Version=2011-06-15":                                  "InvalidAction",
		"Action=AssumeRoleWithWebIdentity&Version=2010-05-08":                   "InvalidAction",
		"Action=GetCallerIdentity&Version=2011-06-15":                           "MissingAuthenticationToken",
		"Action=CreateRole&Version=2010-05-08":                                  "MissingAuthenticationToken",
		"%zz":                                                                   "MalformedQueryString",
	} {
		res, err := http.Post(l.site.Endpoint+"/", "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		body := readAll(t, res)
		if !strings.Contains(body, want) {
			t.Errorf("%s: %s", form, body)
		}
	}
}

func TestSessionPoliciesNarrow(t *testing.T) {
	l := newLab(t)
	open := func(change func(*sts.AssumeRoleWithWebIdentityInput)) *devcloud.Client {
		out, err := l.assume(l.token(nil), change)
		if err != nil {
			t.Fatal(err)
		}
		c := out.Credentials
		return l.client(devcloud.Key{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken})
	}
	inline := open(func(in *sts.AssumeRoleWithWebIdentityInput) {
		in.Policy = aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/*"}}`)
	})
	managed := open(func(in *sts.AssumeRoleWithWebIdentityInput) {
		in.PolicyArns = arns("arn:aws:iam::aws:policy/AdministratorAccess")
	})
	for _, tt := range []struct {
		name, method, path, want string
		c                        *devcloud.Client
	}{
		{"inline allows", "GET", "/shop/a.txt", "", inline},
		{"inline narrows", "GET", "/", "AccessDenied", inline},
		{"managed allows", "GET", "/", "", managed},
		{"managed never widens", "PUT", "/shop/b.txt", "AccessDenied", managed},
	} {
		if _, err := tt.c.S3(t.Context(), tt.method, tt.path, nil); code(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestWhatIssuersMayPublish(t *testing.T) {
	const invalid, unreachable = "InvalidIdentityToken", "IDPCommunicationError"
	for name, tt := range map[string]struct {
		spoil func(l *lab)
		want  string
	}{
		"another issuer's document": {func(l *lab) { l.discoveryWith("issuer", l.issuer+"/") }, invalid},
		"no response types":         {func(l *lab) { l.discoveryWith("response_types_supported", nil) }, invalid},
		"no subject types":          {func(l *lab) { l.discoveryWith("subject_types_supported", nil) }, invalid},
		"no algorithms":             {func(l *lab) { l.discoveryWith("id_token_signing_alg_values_supported", nil) }, invalid},
		"keys over http":            {func(l *lab) { l.discoveryWith("jwks_uri", "http://127.0.0.1/keys.json") }, invalid},
		"keys that nobody serves":   {func(l *lab) { l.discoveryWith("jwks_uri", "https://127.0.0.1:1/keys.json") }, unreachable},
		"keys that are not there":   {func(l *lab) { l.discoveryWith("jwks_uri", l.issuer+"/none.json") }, invalid},
		"no keys":                   {func(l *lab) { l.write("team/keys.json", object{"keys": []object{}}) }, invalid},
		"a key without its use":     {func(l *lab) { l.write("team/keys.json", object{"keys": []object{withoutUse(l)}}) }, invalid},
		"not JSON":                  {func(l *lab) { l.write("team/.well-known/openid-configuration", "x") }, invalid},
		"too much":                  {func(l *lab) { l.write("team/keys.json", strings.Repeat("x", 2<<20)) }, invalid},
		"a key off its curve":       {func(l *lab) { l.write("team/keys.json", object{"keys": []object{offCurve(l)}}) }, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			tt.spoil(l)
			if _, err := l.assume(l.token(nil)); code(err) != tt.want {
				t.Errorf("STS said %v, want %s", err, tt.want)
			}
		})
	}
}

func (l *lab) discoveryWith(field string, value any) {
	d := l.discovery()
	d[field] = value
	l.write("team/.well-known/openid-configuration", d)
}

func withoutUse(l *lab) object {
	k := jwk("ES256", l.keys["ES256"].Public())
	delete(k, "use")
	return k
}

func offCurve(l *lab) object {
	k := jwk("ES256", l.keys["ES256"].Public())
	k["x"] = base64.RawURLEncoding.EncodeToString([]byte{1})
	return k
}

// TestKeysAreRemembered: five minutes, and asked for anew when a kid is new.
func TestKeysAreRemembered(t *testing.T) {
	l := newLab(t)
	old := l.token(nil)
	l.session()
	l.keys["ES256"] = ecKey(t, elliptic.P256())
	l.publish()
	if _, err := l.assume(old); err != nil {
		t.Errorf("the key was not remembered: %v", err)
	}
	rotated := jwk("ES256", l.keys["ES256"].Public())
	rotated["kid"] = "2"
	l.write("team/keys.json", object{"keys": []object{rotated}})
	if _, err := l.assume(l.sign(object{"alg": "ES256", "kid": "2"}, l.claims(nil), l.keys["ES256"])); err != nil {
		t.Errorf("a new kid was not asked for: %v", err)
	}
	l.publish()
	l.clock.advance(5 * time.Minute)
	if _, err := l.assume(l.token(nil)); err != nil {
		t.Errorf("the keys were remembered for more than five minutes: %v", err)
	}
}

func TestWhoeverWantsItToBeTrustedMustAnswer(t *testing.T) {
	l := newLab(t)
	long := "https://" + strings.Repeat("a", 250) + ".test"
	for _, tt := range []struct{ name, issuer, thumbprint, want string }{
		{"again", l.issuer, "", "EntityAlreadyExists"},
		{"http", "http://id.example.com", "", "InvalidInput"},
		{"a port", "https://id.example.com:8443", "", "InvalidInput"},
		{"a query", "https://id.example.com/?a=b", "", "InvalidInput"},
		{"too long", long, "", "InvalidInput"},
		{"a user", "https://a@id.example.com", "", "InvalidInput"},
		{"nobody there", "https://127.0.0.1:1/x", "", "OpenIdIdpCommunicationError"},
		{"a bad thumbprint", "https://id.example.com", "abc", "InvalidInput"},
		{"a thumbprint", "https://id.example.com", strings.Repeat("a", 40), ""},
	} {
		form := url.Values{"Url": {tt.issuer}, "ClientIDList.member.1": {audience}}
		if tt.thumbprint != "" {
			form.Set("ThumbprintList.member.1", tt.thumbprint)
		}
		if err := l.root().IAM(t.Context(), "CreateOpenIDConnectProvider", form, nil); code(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
