package webidentity_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/devcloud/webidentity"
)

func compact(header, claims string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	return b64([]byte(header)) + "." + b64([]byte(claims)) + ".AAAA"
}

// FuzzParse: no token makes reading it fail, what is read has what STS
// requires, and nothing is verified by a key that did not sign it.
func FuzzParse(f *testing.F) {
	keys, err := webidentity.ParseKeys([]byte(`{"keys":[{"kty":"EC","use":"sig","alg":"ES256","kid":"1","crv":"P-256",
		"x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(compact(`{"alg":"ES256","kid":"1"}`, `{"iss":"https://a","aud":"b","sub":"c","iat":1,"exp":2}`))
	f.Add(compact(`{"alg":"RS512","kid":"1"}`, `{"iss":"https://a","aud":["b","c"],"azp":"b","sub":"c","iat":1,"nbf":-1,"exp":99999999999999}`))
	f.Add(compact(`{"alg":"none"}`, `[]`))
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := webidentity.Parse(text)
		if err != nil {
			return
		}
		if token.Issuer == "" || token.Subject == "" || len(token.Audience) == 0 {
			t.Errorf("a token without iss, sub or aud was read: %+v", token)
		}
		if token.Verify(keys[0]) == nil {
			t.Error("a token that nobody signed was verified")
		}
		_ = token.CheckTime(time.Unix(1, 0))
		if id, err := token.Client([]string{"registered"}); err == nil && id != "registered" {
			t.Errorf("the token is for %q", id)
		}
	})
}

// FuzzParseKeys: no key set makes reading it fail.
func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"1","n":"AQAB","e":"AQAB"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","use":"sig","alg":"ES512","kid":"1","crv":"P-521","x":"AA","y":"AA"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := webidentity.ParseKeys(text)
		if err == nil && len(keys) == 0 {
			t.Error("a set without keys was taken")
		}
	})
}
