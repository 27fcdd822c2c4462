package awslogin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

const presented = "presented iss=https://id.example.com/alice aud=sts.amazonaws.com sub=escenv:env:shop/dev:user:alice exp=2026-11-23T12:02:00Z"

// Each thing STS can answer has its kind of error, its number of attempts, its
// words and its next step. None shows the token.
func TestWhatSTSCanAnswer(t *testing.T) {
	denied := "Not authorized to perform sts:AssumeRoleWithWebIdentity"
	for _, tt := range []struct {
		name    string
		answer  http.HandlerFunc
		kind    esc.Kind
		asked   int
		summary string
		hint    string
	}{
		{"trust policy", refusal(403, "AccessDenied", denied), esc.Refused, 1, "AWS refused the role " + role + ": " + denied + "; " + presented, "compare them with the conditions of the role's trust policy"},
		{"unknown issuer", refusal(400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://id.example.com/alice"), esc.Refused, 1, "No OpenIDConnect provider found in your account for https://id.example.com/alice; " + presented, "create an IAM identity provider for https://id.example.com/alice"},
		{"wrong audience", refusal(400, "InvalidIdentityToken", "Incorrect token audience"), esc.Refused, 1, "InvalidIdentityToken: Incorrect token audience; " + presented, "add the audience to the IAM identity provider"},
		{"bad signature", refusal(400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"), esc.Refused, 1, "not a valid JWT", "https://id.example.com/alice/.well-known/openid-configuration"},
		{"keys not fetched", refusal(400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider"), esc.Unavailable, 3, "AWS could not give out the role " + role + ": InvalidIdentityToken: Couldn't retrieve verification key", "can be read by everyone"},
		{"issuer not reached", refusal(400, "IDPCommunicationError", "The identity provider could not be reached"), esc.Unavailable, 4, "IDPCommunicationError: The identity provider could not be reached; " + presented, "can be read by everyone"},
		{"rejected claim", refusal(403, "IDPRejectedClaim", "revoked"), esc.Refused, 1, "IDPRejectedClaim: revoked", "log in at the identity provider again"},
		{"packed policy", refusal(400, "PackedPolicyTooLarge", "140%"), esc.Refused, 1, "PackedPolicyTooLarge: 140%", "give fewer or other policyArns"},
		{"malformed policy", refusal(400, "MalformedPolicyDocument", "bad"), esc.Refused, 1, "MalformedPolicyDocument: bad", "give fewer or other policyArns"},
		{"region off", refusal(403, "RegionDisabledException", "STS is not activated in this region"), esc.Refused, 1, "RegionDisabledException", "activate STS for the region of"},
		{"duration", refusal(400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."), esc.Refused, 1, "exceeds the MaxSessionDuration", "give a shorter duration"},
		{"other validation", refusal(400, "ValidationError", "Request ARN is invalid"), esc.Refused, 1, "ValidationError: Request ARN is invalid", "compare the definition's aws-login, and what the token presents"},
		{"another maker's words", refusal(400, "InvalidParameterValue", "Token is expired"), esc.Refused, 1, "InvalidParameterValue: Token is expired; " + presented, "compare the definition's aws-login, and what the token presents"},
		{"throttling", refusal(400, "Throttling", "Rate exceeded"), esc.Unavailable, 4, "Throttling: Rate exceeded", "try again in a while"},
		{"429", refusal(429, "TooManyRequests", "slow down"), esc.Unavailable, 4, "slow down", "try again in a while"},
		{"500", refusal(500, "InternalFailure", "oops"), esc.Unavailable, 4, "InternalFailure: oops", "try again in a while"},
		{"503 without words", answer(503, ""), esc.Unavailable, 4, "it answers 503 Service Unavailable", "network"},
		{"502 of a proxy", answer(502, "<html><h1>Bad Gateway</h1></html>"), esc.Unavailable, 4, "it answers 502 Bad Gateway", "network"},
		{"404 of something else", answer(404, "not found"), esc.Unavailable, 1, "it answers 404 Not Found", "aws.endpoint"},

		{"truncated", answer(200, "<AssumeRoleWithWebIdentityResponse "+xmlns+"><AssumeRoleWithWebIdentityResult><Cred"), esc.Unavailable, 4, "its answer cannot be read", "network"},
		{"connection dropped", dropped, esc.Unavailable, 4, "EOF", "network"},
		{"body dropped", bodyDropped, esc.Unavailable, 4, "unexpected EOF", "network"},
		{"a portal's page", answer(200, "<!doctype html><html><body><p>Welcome to the hotel<br></body></html>"), esc.Unavailable, 4, "its answer cannot be read", "aws.endpoint"},
		{"JSON", answer(200, `{"Credentials":{}}`), esc.Unavailable, 1, "answered without usable credentials", "aws.endpoint"},
		{"nothing", answer(200, ""), esc.Unavailable, 1, "answered without usable credentials", "aws.endpoint"},
		{"no credentials", answer(200, "<AssumeRoleWithWebIdentityResponse "+xmlns+"><AssumeRoleWithWebIdentityResult/></AssumeRoleWithWebIdentityResponse>"), esc.Unavailable, 1, "answered without usable credentials", "aws.endpoint"},
		{"empty credentials", credentials(""), esc.Unavailable, 1, "answered without usable credentials", "aws.endpoint"},
		{"no session token", credentials(goodKey + goodUntil), esc.Unavailable, 1, "answered without usable credentials", "aws.endpoint"},
		{"no secret", credentials("<AccessKeyId>ASIA</AccessKeyId>" + goodToken + goodUntil), esc.Unavailable, 1, "answered without usable credentials", "aws.endpoint"},
		{"a key of two lines", credentials("<AccessKeyId>ASIA&#10;X</AccessKeyId><SecretAccessKey>s</SecretAccessKey>" + goodToken + goodUntil), esc.Unavailable, 1, "answered without usable credentials", "aws.endpoint"},
		{"a session token of 64 KiB and a byte", credentials(goodKey + "<SessionToken>" + strings.Repeat("x", 64<<10+1) + "</SessionToken>" + goodUntil), esc.Unavailable, 1, "answered without usable credentials", "aws.endpoint"},
		{"no expiration", credentials(goodKey + goodToken), esc.Unavailable, 1, "gave credentials without an expiration", "aws.endpoint"},
		{"past expiration", credentials(goodKey + goodToken + "<Expiration>2026-11-23T11:59:59Z</Expiration>"), esc.Unavailable, 1, "gave credentials that expired at 2026-11-23T11:59:59Z", "clock"},
		{"expiration now", credentials(goodKey + goodToken + "<Expiration>2026-11-23T12:00:00Z</Expiration>"), esc.Unavailable, 1, "gave credentials that expired at", "clock"},
		{"expiration in words", credentials(goodKey + goodToken + "<Expiration>soon</Expiration>"), esc.Unavailable, 4, "its answer cannot be read", "network"},
		{"10 MB", answer(200, "<AssumeRoleWithWebIdentityResponse>"+strings.Repeat("<x></x>", 10<<20/7)), esc.Unavailable, 1, "the answer is longer than 1 MiB", "aws.endpoint"},
		{"10 MB of an error", answer(400, strings.Repeat("x", 10<<20)), esc.Unavailable, 1, "the answer is longer than 1 MiB", "aws.endpoint"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sts := newFakeSTS(t, tt.answer)
			_, err := sts.provider(&tokens{jwts: []string{jwt}}).Open(t.Context(), value(t, login("")), esc.Site{})
			wantError(t, err, tt.kind, tt.summary)
			if e := (*esc.Error)(nil); errors.As(err, &e) && !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("hint %q, want %q", e.Hint, tt.hint)
			}
			if len(sts.asked()) != tt.asked {
				t.Errorf("asked %d times, want %d", len(sts.asked()), tt.asked)
			}
			wantNoCanary(t, err)
		})
	}
}

// dropped hangs up without an answer.
func dropped(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		conn.Close()
	}
}

// bodyDropped promises more than it sends.
func bodyDropped(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "5000")
	io.WriteString(w, "<AssumeRoleWithWebIdentityResponse")
}

// A redirect is not followed: the next host would get the token.
func TestARedirectIsNotFollowed(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		sts := newFakeSTS(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		_, err := sts.provider(&tokens{jwts: []string{jwt}}).Open(t.Context(), value(t, login("")), esc.Site{})
		wantError(t, err, esc.Unavailable, "it answers with a redirect, which is not followed")
		if len(sts.asked()) != 1 {
			t.Errorf("%d: asked %d times", status, len(sts.asked()))
		}
	}
}

func TestAPassingFaultPasses(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"500": refusal(500, "InternalFailure", "oops"), "dropped": dropped, "throttled": refusal(400, "Throttling", "x"),
		"keys": refusal(400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider"),
	} {
		sts := newFakeSTS(t, fault, fault, good())
		if _, err := sts.provider(&tokens{jwts: []string{jwt}}).Open(t.Context(), value(t, login("")), esc.Site{}); err != nil || len(sts.asked()) != 3 {
			t.Errorf("%s: %v after %d", name, err, len(sts.asked()))
		}
	}
}

// Each pause is longer than the one before, and none is predictable.
func TestPauses(t *testing.T) {
	sts := newFakeSTS(t, refusal(500, "InternalFailure", "oops"))
	p := sts.provider(&tokens{jwts: []string{jwt}})
	var pauses []time.Duration
	p.Sleep = func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}
	_, err := p.Open(t.Context(), value(t, login("")), esc.Site{})
	wantError(t, err, esc.Unavailable, "InternalFailure")
	if len(pauses) != 3 {
		t.Fatalf("paused %v", pauses)
	}
	for i, d := range pauses {
		if least := 100 * time.Millisecond << i; d < least || d >= 2*least {
			t.Errorf("pause %d is %v, want %v to %v", i, d, least, 2*least)
		}
	}
}

// An STS that says the token again, whole or in pieces, or steers the
// terminal, or talks without end, does not get its way.
func TestAHostileSTS(t *testing.T) {
	parts := strings.Split(jwt, ".")
	for name, message := range map[string]string{
		"whole":     "bad token " + jwt + " here",
		"signature": "signature " + parts[2],
		"payload":   "payload=" + parts[1] + ";",
		"cut":       "begins " + jwt[:20],
		"glued":     "x" + jwt + jwt + "y",
		"at 300":    strings.Repeat("z", 290) + jwt,
		"terminal":  "\u009b31m red &#x202e;reversed",
		"long":      strings.Repeat("no ", 100_000),
	} {
		for _, code := range []string{"AccessDenied", "InvalidIdentityToken", parts[2]} {
			sts := newFakeSTS(t, refusal(403, code, message))
			_, err := sts.provider(&tokens{jwts: []string{jwt}}).Open(t.Context(), value(t, login("")), esc.Site{})
			wantError(t, err, esc.Refused, presented)
			wantNoCanary(t, err)
			if len(err.Error()) > 300+len(presented)+len(role)+50 || strings.ContainsAny(err.Error(), "\u009b\u202e\n") {
				t.Errorf("%s: %d bytes: %q", name, len(err.Error()), err)
			}
		}
	}
}

// A definition may keep the role secret; AWS's words may not give it away.
func TestASecretRoleStaysSecret(t *testing.T) {
	sts := newFakeSTS(t, refusal(403, "AccessDenied", "no such role arn:aws:iam::999999999999:role/hidden-canary"))
	inputs := `{"oidc":{"roleArn":"secret:arn:aws:iam::999999999999:role/hidden-canary","sessionName":"dev"}}`
	_, err := sts.provider(&tokens{jwts: []string{jwt}}).Open(t.Context(), value(t, inputs), esc.Site{})
	wantError(t, err, esc.Refused, "AWS refused the role [secret]: no such role [secret]; presented")
	wantNoCanary(t, err)
}

// wantNoCanary looks for eight bytes of anything secret in all of err.
func wantNoCanary(t *testing.T, err error) {
	t.Helper()
	var e *esc.Error
	errors.As(err, &e)
	text := fmt.Sprintf("%v %+v %#v %s", err, err, err, e.Hint)
	for i := 0; i+8 <= len(jwt); i++ {
		if strings.Contains(text, jwt[i:i+8]) {
			t.Fatalf("%q of the token is in %q", jwt[i:i+8], text)
		}
	}
	if strings.Contains(strings.ToLower(text), "canary") {
		t.Errorf("a secret is in %q", text)
	}
}
