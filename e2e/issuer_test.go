package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	issuerURL = "https://issuer.test/escenv/prod"
	audience  = "sts.amazonaws.com"
)

// An issuer is a person's own, as escenv made it: its key, and the documents
// it published.
type issuer struct {
	dir  string // with key.pem
	site string // what belongs at issuerURL
}

// newIssuer makes an issuer in a home of its own.
func newIssuer(t *testing.T) issuer {
	t.Helper()
	h := newHome(t)
	h.must(".", "escenv", "issuer", "init", issuerURL)
	h.must(".", "escenv", "issuer", "publish", "site")
	return issuer{dir: h.path("config/escenv/issuer"), site: h.path("site")}
}

// read returns a file of the issuer's directory.
func (i issuer) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(i.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents serves the site. base replaces the issuer's URL in them, for a
// verifier that cannot reach issuer.test; empty keeps them as they are.
func (i issuer) documents(base string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile(filepath.Join(i.site, filepath.Clean("/"+r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		if base != "" {
			text = bytes.ReplaceAll(text, []byte(issuerURL), []byte(base))
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(text)
	})
}

// A signer signs identity tokens as it likes.
type signer struct {
	key *ecdsa.PrivateKey
	kid string
}

// signer returns one with the issuer's own key.
func (i issuer) signer(t *testing.T) signer {
	t.Helper()
	block, _ := pem.Decode([]byte(i.read(t, "key.pem")))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key.(*ecdsa.PrivateKey), i.keyID(t)}
}

// forger returns a signer that claims to have the issuer's key.
func (i issuer) forger(t *testing.T) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, i.keyID(t)}
}

// keyID reads the name of the key from the published documents.
func (i issuer) keyID(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(i.site, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("keys.json: %v\n%s", err, text)
	}
	return set.Keys[0].Kid
}

// token signs a token that is valid for a while before and after expires.
func (s signer) token(t *testing.T, subject string, expires time.Time) string {
	t.Helper()
	jwt, err := s.sign(subject, expires)
	if err != nil {
		t.Fatal(err)
	}
	return jwt
}

func (s signer) sign(subject string, expires time.Time) (string, error) {
	header, err := json.Marshal(map[string]any{"alg": "ES256", "typ": "JWT", "kid": s.kid})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": issuerURL, "aud": audience, "sub": subject, "exp": expires.Unix(),
		"iat": expires.Add(-10 * time.Minute).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(signed))
	r, ss, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		return "", err
	}
	signature := append(r.FillBytes(make([]byte, 32)), ss.FillBytes(make([]byte, 32))...)
	jwt := signed + "." + base64.RawURLEncoding.EncodeToString(signature)
	lab.canary.learn("an identity token that was handed in", jwt)
	return jwt, nil
}
