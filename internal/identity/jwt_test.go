package identity_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/identity"
)

const (
	audience  = "sts.amazonaws.com"
	signature = "Y2FuYXJ5LXNpZ25hdHVyZQ" // "canary-signature"
)

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// token makes a JWT with that payload, signed by nobody.
func token(payload string) string {
	return encode(`{"alg":"ES256"}`) + "." + encode(payload) + "." + signature
}

// claims is a payload that is right but for what is replaced in it.
func claims(replace ...string) string {
	return strings.NewReplacer(replace...).Replace(
		fmt.Sprintf(`{"iss":"https://id.example.com","aud":"%s","sub":"alice","exp":%d}`, audience, noon().Unix()+60))
}

// take hands text to a source as its token.
func take(text string) (esc.Token, error) {
	source := identity.Env{Name: "TOKEN", Environ: []string{"TOKEN=" + text}, Private: true, Now: noon}
	return source.Token(context.Background(), esc.TokenRequest{Audience: audience})
}

func TestATokensClaimsAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"plain":        token(claims()),
		"white space":  "\n " + token(claims()) + "\r\n",
		"aud list":     token(claims(`"`+audience+`"`, `["other","`+audience+`"]`)),
		"other claims": token(claims(`"sub"`, `"AUD":["x"],"nested":{"aud":1},"sub"`)),
	} {
		got, err := take(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if jwt, _ := got.JWT.RevealString(); jwt != strings.TrimSpace(text) {
			t.Errorf("%s: the token changed to %q", name, jwt)
		}
		if !strings.HasPrefix(got.Claims(), "iss=https://id.example.com aud=") || !strings.HasSuffix(got.Claims(), audience+" sub=alice exp=2026-11-23T12:01:00Z") {
			t.Errorf("%s: %s", name, got.Claims())
		}
		if shown := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(shown, signature) {
			t.Errorf("%s: the token is in %q", name, shown)
		}
	}
}

func TestWhatIsNoTokenIsRefused(t *testing.T) {
	good := token(claims())
	for _, tt := range []struct{ name, text, want string }{
		{"words", "not a token", "it does not have three parts"},
		{"two parts", strings.Join(strings.Split(good, ".")[:2], "."), "it does not have three parts"},
		{"five parts", good + "." + signature + "." + signature, "it does not have three parts"},
		{"no signature", strings.TrimSuffix(good, signature), "its signature is not base64url"},
		{"padding", good + "==", "its signature is not base64url"},
		{"other base64", good + "+/", "its signature is not base64url"},
		{"stray bits", token(claims())[:len(good)-1] + "R", "its signature is not base64url"},
		{"line end inside", strings.Replace(good, ".", ".\n", 1), "its payload is not base64url"},
		{"header", "e30x." + strings.SplitN(good, ".", 2)[1], "its header is not a JSON object"},
		{"null header", encode("null") + "." + strings.SplitN(good, ".", 2)[1], "its header is not a JSON object"},
		{"payload", token(`["a"]`), "its payload is not a JSON object"},
		{"cut payload", token(claims()[:40]), "its payload is not a JSON object"},
		{"no iss", token(claims(`"iss"`, `"Iss"`)), "its iss is missing"},
		{"iss of another kind", token(claims(`"https://id.example.com"`, `7`)), "its iss is missing or not a string"},
		{"empty sub", token(claims(`"alice"`, `""`)), "its sub is missing or not a string"},
		{"null sub", token(claims(`"alice"`, `null`)), "its sub is missing or not a string"},
		{"no aud", token(claims(`"aud"`, `"azp"`)), "its aud is missing"},
		{"empty aud", token(claims(`"`+audience+`"`, `[]`)), "its aud is missing"},
		{"mixed aud", token(claims(`"`+audience+`"`, `["`+audience+`",1]`)), "its aud is a list with something else"},
		{"no exp", token(claims(`"exp"`, `"ext"`)), "its exp is missing"},
		{"exp in quotes", token(claims(`"exp":`, `"exp":"x","x":`)), "its exp is missing or not a whole number"},
		{"exp with a fraction", token(claims(`}`, `.5}`)), "its exp is missing or not a whole number"},
		{"negative exp", token(claims(`"exp":`, `"exp":-`)), "its exp is missing or not a whole number"},
		{"exp beyond years", token(claims(`}`, `0000}`)), "its exp is missing or not a whole number"},
		{"long", token(claims(`alice`, strings.Repeat("a", 20_000))), "it is longer than 20000 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := take(tt.text)
			wantError(t, err, esc.Invalid, "what environment variable TOKEN gave is not an identity token: "+tt.want)
			if strings.Contains(err.Error(), signature) {
				t.Errorf("the token is in %q", err)
			}
		})
	}
}

// What AWS would refuse is refused here, with what the token presents.
func TestATokenForAnotherAudience(t *testing.T) {
	_, err := take(token(claims(audience, "api.example.com")))
	wantError(t, err, esc.Invalid, "is not for the audience sts.amazonaws.com; it presents iss=https://id.example.com aud=api.example.com sub=alice exp=2026-11-23T12:01:00Z")
}

// AWS takes a token for five minutes after it expired, and not a second more.
func TestAnExpiredToken(t *testing.T) {
	at := func(d time.Duration) string {
		return token(claims(`"exp":`, fmt.Sprintf(`"exp":%d,"x":`, noon().Add(d).Unix())))
	}
	if _, err := take(at(-5*time.Minute + time.Second)); err != nil {
		t.Errorf("within the grace: %v", err)
	}
	_, err := take(at(-5 * time.Minute))
	wantError(t, err, esc.Refused, "has expired; it presents iss=https://id.example.com aud=sts.amazonaws.com sub=alice exp=2026-11-23T11:55:00Z")
}

func wantError(t *testing.T, err error, kind esc.Kind, summary string) {
	t.Helper()
	var e *esc.Error
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Summary, summary) {
		t.Fatalf("error %v, want %s: %s", err, kind, summary)
	}
	if e.Hint == "" && (kind == esc.Refused || kind == esc.NotFound || kind == esc.Conflict || kind == esc.Invalid && strings.Contains(summary, "identity token")) {
		t.Errorf("%v comes without a hint", err)
	}
}

// Whatever a source gives, it is a token with an audience and an end, or an
// error that does not repeat it.
func FuzzToken(f *testing.F) {
	f.Add(token(claims()))
	f.Add(token(claims(`"`+audience+`"`, `["a","`+audience+`"]`)))
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(token(`{"exp":1e9,"aud":{}}`))
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, 0) {
			t.Skip()
		}
		got, err := take(text)
		var e *esc.Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Errorf("error %v", err)
		case err != nil && len(text) > 40 && strings.Contains(err.Error(), strings.TrimSpace(text)):
			t.Errorf("error repeats the token: %v", err)
		case err == nil && (len(strings.TrimSpace(text)) > 20_000 || !noon().Before(got.Expires.Add(5*time.Minute)) || !slices.Contains(got.Audience, audience) || got.Issuer == "" || got.Subject == ""):
			t.Errorf("accepted %+v", got)
		}
	})
}

// quote writes text as JSON does.
func quote(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// asText returns text as JSON can hold it.
func asText(text string) (valid string) {
	_ = json.Unmarshal([]byte(quote(text)), &valid)
	return valid
}

// Any payload that is right for AWS comes through as it was written.
func FuzzClaims(f *testing.F) {
	f.Add("https://id.example.com", "alice", int64(60))
	f.Add("iss\x00", "ü\u202e\"\\", int64(-299))
	f.Fuzz(func(t *testing.T, iss, sub string, in int64) {
		iss, sub = asText(iss), asText(sub)
		payload := fmt.Sprintf(`{"iss":%s,"sub":%s,"aud":"%s","exp":%d}`, quote(iss), quote(sub), audience, noon().Unix()+in)
		got, err := take(token(payload))
		right := iss != "" && sub != "" && in > -300 && in < 1e10 && len(token(payload)) <= 20_000
		if right != (err == nil) {
			t.Fatalf("%s: %v", payload, err)
		}
		if right && (got.Issuer != iss || got.Subject != sub || got.Expires.Unix() != noon().Unix()+in) {
			t.Errorf("%s became %+v", payload, got)
		}
	})
}
