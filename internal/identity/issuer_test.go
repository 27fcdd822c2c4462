package identity_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/identity"
)

const issuerURL = "https://id.example.com/alice"

func newIssuer(t *testing.T) (*identity.Issuer, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "escenv", "issuer")
	i, err := identity.InitIssuer(dir, issuerURL)
	if err != nil {
		t.Fatal(err)
	}
	i.User, i.Lifetime, i.Now = "alice", identity.DefaultLifetime, noon
	return i, dir
}

func sign(t *testing.T, i *identity.Issuer) string {
	t.Helper()
	got, err := i.Token(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := got.JWT.RevealString()
	return text
}

// published returns the key that a verifier would fetch.
func published(t *testing.T, i *identity.Issuer) jose.JSONWebKey {
	t.Helper()
	dir := t.TempDir()
	if _, err := i.Publish(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(text, &keys); err != nil || len(keys.Keys) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	return keys.Keys[0]
}

func TestATokenSaysWhoAsksForWhat(t *testing.T) {
	i, _ := newIssuer(t)
	got, err := i.Token(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if want := "iss=" + issuerURL + " aud=sts.amazonaws.com sub=escenv:env:shop/dev:user:alice exp=2026-11-23T12:02:00Z"; got.Claims() != want {
		t.Errorf("claims %s, want %s", got.Claims(), want)
	}
	text, _ := got.JWT.RevealString()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(payload, &all); err != nil {
		t.Fatal(err)
	}
	if id, _ := all["jti"].(string); len(id) < 20 {
		t.Errorf("jti %q", id)
	}
	delete(all, "jti")
	second := float64(noon().Unix())
	if diff := cmp.Diff(map[string]any{
		"iss": issuerURL, "aud": audience, "sub": "escenv:env:shop/dev:user:alice",
		"iat": second - 30, "nbf": second - 30, "exp": second + 120,
	}, all); diff != "" {
		t.Error(diff)
	}
	if again := sign(t, i); again == text {
		t.Error("two tokens are the same")
	}
}

// Two libraries that share no code with each other verify what we sign with
// what we publish.
func TestOthersVerifyOurTokens(t *testing.T) {
	i, _ := newIssuer(t)
	key, text := published(t, i), sign(t, i)
	if key.KeyID != i.KeyID || key.Algorithm != "ES256" || key.Use != "sig" || !key.Valid() || !key.IsPublic() {
		t.Errorf("published %+v", key)
	}

	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if h := parsed.Headers[0]; h.KeyID != i.KeyID || h.ExtraHeaders["typ"] != "JWT" || h.JSONWebKey != nil {
		t.Errorf("header %+v", h)
	}
	var c jwt.Claims
	if err := parsed.Claims(key.Key, &c); err != nil {
		t.Errorf("go-jose: %v", err)
	}
	if err := c.ValidateWithLeeway(jwt.Expected{Issuer: issuerURL, AnyAudience: jwt.Audience{audience}, Time: noon()}, 0); err != nil {
		t.Errorf("go-jose: %v", err)
	}
	public := key.Key.(*ecdsa.PublicKey)
	if !verify(public, text) {
		t.Error("crypto/ecdsa does not verify the token")
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(der); i.KeyID != base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Errorf("key id %s is not that of the key", i.KeyID)
	}
}

func TestATamperedTokenIsNotVerified(t *testing.T) {
	i, _ := newIssuer(t)
	other, _ := newIssuer(t)
	key, text := published(t, i).Key.(*ecdsa.PublicKey), sign(t, i)
	parts := strings.Split(text, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	forged := encode(strings.Replace(string(payload), "shop/dev", "shop/prd", 1))
	for name, bad := range map[string]string{
		"another subject": parts[0] + "." + forged + "." + parts[2],
		"another header":  encode(`{"alg":"ES256"}`) + "." + parts[1] + "." + parts[2],
		"another key":     sign(t, other),
		"another time":    parts[0] + "." + parts[1] + "." + strings.Split(sign(t, i), ".")[2],
	} {
		if verify(key, bad) {
			t.Errorf("%s: crypto/ecdsa verifies it", name)
		}
		parsed, err := jwt.ParseSigned(bad, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		if parsed.Claims(key, &jwt.Claims{}) == nil {
			t.Errorf("%s: go-jose verifies it", name)
		}
	}
	if !verify(key, text) {
		t.Error("the good one does not verify either")
	}
}

// verify checks an ES256 signature with the standard library alone.
func verify(key *ecdsa.PublicKey, text string) bool {
	cut := strings.LastIndexByte(text, '.')
	signature, err := base64.RawURLEncoding.DecodeString(text[cut+1:])
	if err != nil || len(signature) != 64 {
		return false
	}
	digest := sha256.Sum256([]byte(text[:cut]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	return ecdsa.Verify(key, digest[:], r, s)
}

func TestSubjects(t *testing.T) {
	site := esc.Site{Root: "shop/dev", Current: "base/aws"}
	long := strings.Repeat("x", 240)
	for _, tt := range []struct {
		name       string
		site       esc.Site
		user       string
		attributes []string
		want, err  string
	}{
		{"the holder of the login, not its importer", site, "alice", nil, "escenv:env:base/aws:user:alice", ""},
		{"attributes in order", site, "alice", []string{"pulumi.user.login", "rootEnvironment.name", "currentEnvironment.name"}, "escenv:pulumi.user.login:alice:rootEnvironment.name:shop/dev:currentEnvironment.name:base/aws", ""},
		{"a user who would be another", site, "bob:env:shop/prod%", nil, "escenv:env:base/aws:user:bob%3Aenv%3Ashop/prod%25", ""},
		{"a user with more than ASCII", site, "Zoë\n", nil, "escenv:env:base/aws:user:Zo%C3%AB%0A", ""},
		{"a file", esc.Site{Root: "/home/a/shop/dev.yaml", Current: "/home/a/shop/dev.yaml"}, "alice", nil, "escenv:env:dev.yaml:user:alice", ""},
		{"a file as it is imported", esc.Site{Root: "shop/dev", Current: "../base.yaml"}, "alice", []string{"currentEnvironment.name"}, "escenv:currentEnvironment.name:base.yaml", ""},
		{"as long as it may be", site, long[:255-len("escenv:env:base/aws:user:")], nil, "escenv:env:base/aws:user:" + long[:230], ""},
		{"too long", site, long, nil, "", "would be 265 bytes long; AWS takes 255"},
		{"an organization", site, "alice", []string{"pulumi.organization.login"}, "", `cannot attest the subject attribute "pulumi.organization.login"`},
		{"a team", site, "alice", []string{"currentEnvironment.name", "pulumi.token.team"}, "", `cannot attest the subject attribute "pulumi.token.team"`},
		{"nobody", site, "", nil, "", "there is no user to name"},
		{"nobody, but it does not matter", site, "", []string{"currentEnvironment.name"}, "escenv:currentEnvironment.name:base/aws", ""},
		{"nowhere", esc.Site{}, "alice", nil, "", "there is no env to name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i, _ := newIssuer(t)
			i.User = tt.user
			got, err := i.Token(t.Context(), esc.TokenRequest{Audience: audience, Site: tt.site, Subject: tt.attributes})
			if tt.err != "" {
				wantError(t, err, esc.Invalid, tt.err)
			} else if err != nil || got.Subject != tt.want {
				t.Errorf("subject %q, %v; want %q", got.Subject, err, tt.want)
			}
		})
	}
}

func TestLifetimes(t *testing.T) {
	i, _ := newIssuer(t)
	for lifetime, good := range map[time.Duration]bool{
		0: false, 9 * time.Second: false, 10 * time.Second: true, time.Hour: true, time.Hour + 1: false, -time.Minute: false,
	} {
		i.Lifetime = lifetime
		got, err := i.Token(t.Context(), request)
		if (err == nil) != good || good && !got.Expires.Equal(noon().Add(lifetime)) {
			t.Errorf("%v: expires %v, %v", lifetime, got.Expires, err)
		}
	}
}

func TestIssuerURLs(t *testing.T) {
	for address, want := range map[string]string{
		"https://id.example.com":                 "",
		"https://id.example.com/u/alice":         "",
		"https://b.s3.eu-west-1.amazonaws.com/x": "",
		"http://127.0.0.1:8080/id":               "",
		"http://localhost:8080":                  "",
		"http://[::1]:8080":                      "",
		"https://" + strings.Repeat("x", 247):    "",

		"https://" + strings.Repeat("x", 248): "it is longer than 255 bytes",
		"http://id.example.com":               "AWS wants https://",
		"id.example.com":                      "AWS wants https://",
		"ftp://127.0.0.1":                     "AWS wants https://",
		"":                                    "AWS wants https://",
		"https:id.example.com":                "it is not written as a plain URL",
		"https://":                            "it is not written as a plain URL",
		"https:///alice":                      "it has no host",
		"https://id.example.com:443":          "it names a port",
		"https://id.example.com:":             "it names a port",
		"https://id.example.com/":             "its path ends in a slash",
		"https://id.example.com/a/":           "its path ends in a slash",
		"https://id.example.com//a":           "not in its shortest form",
		"https://id.example.com/a/../b":       "not in its shortest form",
		"https://id.example.com/a%2Fb":        "characters that need escapes",
		"https://id.example.com/a b":          "it is not written as a plain URL",
		"https://id.example.com/ü":            "it is not written as a plain URL",
		"https://id.example.com?a=b":          "more than a host and a path",
		"https://id.example.com?":             "more than a host and a path",
		"https://id.example.com#x":            "more than a host and a path",
		"https://id.example.com/#":            "it is not written as a plain URL",
		"https://u:p@id.example.com":          "more than a host and a path",
		"https://ID.example.com":              "its host is not in lower case",
		"HTTPS://id.example.com":              "it is not written as a plain URL",
		"https://id.example.com/\x1b[31m":     "it is not written as a plain URL",
	} {
		dir := filepath.Join(t.TempDir(), "issuer")
		i, err := identity.InitIssuer(dir, address)
		if want == "" {
			if err != nil || i.URL != address {
				t.Errorf("%s: %v", address, err)
			}
			continue
		}
		var e *esc.Error
		if !errors.As(err, &e) || e.Kind != esc.Invalid || !strings.Contains(e.Summary, want) || strings.Contains(e.Summary, "\x1b") {
			t.Errorf("%s: error %v, want %s", address, err, want)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something was written", address)
		}
	}
}

func TestTheKeyIsTheUsersAlone(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	i, dir := newIssuer(t)
	for name, want := range map[string]fs.FileMode{"..": 0o700, ".": 0o700, "key.pem": 0o600, "issuer.json": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("there is %v", entries)
	}
	text, err := os.ReadFile(i.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
		t.Fatalf("the key file is %s", text)
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil || key.(*ecdsa.PrivateKey).Curve != elliptic.P256() {
		t.Errorf("key %T, %v", key, err)
	}
}

func TestInitDoesNotOverwrite(t *testing.T) {
	i, dir := newIssuer(t)
	before, _ := os.ReadFile(i.KeyFile)
	_, err := identity.InitIssuer(dir, "https://other.example.com")
	wantError(t, err, esc.Conflict, "there is an issuer in "+dir+" already")
	if after, _ := os.ReadFile(i.KeyFile); !bytes.Equal(before, after) {
		t.Error("the key changed")
	}
	if again, err := identity.OpenIssuer(dir); err != nil || again.URL != issuerURL || again.KeyID != i.KeyID {
		t.Errorf("%+v, %v", again, err)
	}
}

// An init that finds a key it cannot use leaves everything as it is.
func TestInitBesideABadKey(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "key.pem"), "canary")
	_, err := identity.InitIssuer(dir, issuerURL)
	wantError(t, err, esc.Invalid, "key.pem is missing or not what escenv wrote")
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("there is %v", entries)
	}
}

// An init that was interrupted between its two files is completed.
func TestInitAfterAnInterruptedOne(t *testing.T) {
	i, dir := newIssuer(t)
	if err := os.Remove(filepath.Join(dir, "issuer.json")); err != nil {
		t.Fatal(err)
	}
	_, err := identity.OpenIssuer(dir)
	wantError(t, err, esc.NotFound, "there is no issuer")
	if again, err := identity.InitIssuer(dir, issuerURL); err != nil || again.KeyID != i.KeyID {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestAnIssuerOthersCouldUseIsRefused(t *testing.T) {
	for name, mode := range map[string]fs.FileMode{"": 0o750, "key.pem": 0o640, "issuer.json": 0o604} {
		_, dir := newIssuer(t)
		file := filepath.Join(dir, name)
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		_, err := identity.OpenIssuer(dir)
		wantError(t, err, esc.Refused, file+" is open to other users")
	}
	if os.Geteuid() == 0 {
		for _, name := range []string{"", "key.pem", "issuer.json"} {
			_, dir := newIssuer(t)
			file := filepath.Join(dir, name)
			if err := os.Chown(file, 12345, -1); err != nil {
				t.Fatal(err)
			}
			_, err := identity.OpenIssuer(dir)
			wantError(t, err, esc.Refused, file+" belongs to another user")
		}
	}
}

func TestAnIssuerInAnothersDirectoryIsNotMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "issuer")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o770)); err != nil {
		t.Fatal(err)
	}
	_, err := identity.InitIssuer(dir, issuerURL)
	wantError(t, err, esc.Refused, dir+" is open to other users")
}

func TestADamagedIssuer(t *testing.T) {
	ed25519 := "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----\n"
	for file, texts := range map[string][]string{
		"key.pem":     {"", "canary", ed25519, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
		"issuer.json": {"", "canary", `["x"]`, `{"url":"http://evil.example.com"}`},
	} {
		for _, text := range texts {
			_, dir := newIssuer(t)
			writeFile(t, filepath.Join(dir, file), text)
			_, err := identity.OpenIssuer(dir)
			wantError(t, err, esc.Invalid, "")
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("%v repeats the file", err)
			}
		}
	}
	_, dir := newIssuer(t)
	key := filepath.Join(dir, "key.pem")
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	_, err := identity.OpenIssuer(dir)
	wantError(t, err, esc.Invalid, key+" is missing")
	if err := os.Symlink(key+".away", key); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.OpenIssuer(dir); err == nil {
		t.Error("a link was followed to the key")
	}
}
