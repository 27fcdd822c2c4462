package devcloud_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/escenv/escenv/internal/devcloud"
)

const (
	account  = "123456789012"
	audience = "sts.amazonaws.com"
	roleARN  = "arn:aws:iam::" + account + ":role/shop-dev"
)

// A lab is a Cloud with an issuer of its own, whose keys the test holds.
type lab struct {
	t      *testing.T
	site   *devcloud.Site
	clock  *clock
	dir    string
	issuer string
	keys   map[string]crypto.Signer // by kid, which is the algorithm's name
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// newLab starts a Cloud with the issuer published, registered and trusted.
func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, dir: t.TempDir(), clock: &clock{at: time.Now().Truncate(time.Second)}}
	site, err := devcloud.Open(devcloud.SiteOptions{
		Addr: "127.0.0.1:0", IssuerAddr: "127.0.0.1:0", Dir: l.dir, Account: account, Now: l.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.Close)
	l.site, l.issuer = site, site.IssuerURL+"/team"
	l.keys = map[string]crypto.Signer{
		"RS256": rsaKey(t), "ES256": ecKey(t, elliptic.P256()), "ES384": ecKey(t, elliptic.P384()), "ES512": ecKey(t, elliptic.P521()),
	}
	l.keys["RS384"], l.keys["RS512"] = l.keys["RS256"], l.keys["RS256"]
	l.publish()
	if _, err := l.root().Setup(t.Context(), l.plan()); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) plan() devcloud.Plan {
	return devcloud.Plan{
		Account: account, IssuerURL: l.issuer, Audience: audience, Subject: "escenv:env:shop/dev:*",
		Role: "shop-dev", MaxSession: 2 * time.Hour, Bucket: "shop", Objects: map[string]string{"a.txt": "hello\n"},
	}
}

func rsaKey(t *testing.T) crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// root is a client with the root key.
func (l *lab) root() *devcloud.Client { return l.client(l.site.Root) }

func (l *lab) client(key devcloud.Key) *devcloud.Client {
	return &devcloud.Client{Endpoint: l.site.Endpoint, Region: "eu-west-1", Key: key, Now: l.clock.now}
}

type object = map[string]any

// publish writes what the issuer publishes.
func (l *lab) publish() {
	var keys []object
	for kid, key := range l.keys {
		keys = append(keys, jwk(kid, key.Public()))
	}
	l.write("team/keys.json", object{"keys": keys})
	l.write("team/.well-known/openid-configuration", l.discovery())
}

func (l *lab) discovery() object {
	return object{
		"issuer": l.issuer, "jwks_uri": l.issuer + "/keys.json", "response_types_supported": []string{"id_token"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
	}
}

func (l *lab) write(name string, content any) {
	l.t.Helper()
	file := filepath.Join(l.dir, name)
	text, err := json.Marshal(content)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, text, 0o644)); err != nil {
		l.t.Fatal(err)
	}
}

func jwk(kid string, key crypto.PublicKey) object {
	b64 := base64.RawURLEncoding.EncodeToString
	if key, ok := key.(*rsa.PublicKey); ok {
		return object{"kty": "RSA", "use": "sig", "alg": kid, "kid": kid, "n": b64(key.N.Bytes()), "e": "AQAB"}
	}
	ec := key.(*ecdsa.PublicKey)
	size := (ec.Params().BitSize + 7) / 8
	point, _ := ec.Bytes()
	return object{"kty": "EC", "use": "sig", "alg": kid, "kid": kid, "crv": ec.Params().Name, "x": b64(point[1 : 1+size]), "y": b64(point[1+size:])}
}

// claims are those of a good token, changed: a nil value removes a claim.
func (l *lab) claims(changes object) object {
	now := l.clock.now().Unix()
	claims := object{
		"iss": l.issuer, "aud": audience, "sub": "escenv:env:shop/dev:user:alice",
		"iat": now - 30, "nbf": now - 30, "exp": now + 120,
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// token signs a good token, changed.
func (l *lab) token(changes object) string {
	return l.sign(object{"alg": "ES256", "kid": "ES256", "typ": "JWT"}, l.claims(changes), l.keys["ES256"])
}

func (l *lab) sign(header, claims object, key crypto.Signer) string {
	l.t.Helper()
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	input := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	alg, _ := header["alg"].(string)
	signature, err := signature(alg, []byte(input), key)
	if err != nil {
		l.t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func signature(alg string, input []byte, key crypto.Signer) ([]byte, error) {
	hash := map[string]crypto.Hash{"384": crypto.SHA384, "512": crypto.SHA512}[alg[max(0, len(alg)-3):]]
	if hash == 0 {
		hash = crypto.SHA256
	}
	h := hash.New()
	h.Write(input)
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return key.Sign(rand.Reader, h.Sum(nil), hash)
	}
	r, s, err := ecdsa.Sign(rand.Reader, ec, h.Sum(nil))
	size := (ec.Params().BitSize + 7) / 8
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), err
}

// sts is the SDK's own client, which retries nothing.
func (l *lab) sts(key devcloud.Key) *sts.Client {
	return sts.New(sts.Options{
		BaseEndpoint: &l.site.Endpoint, Region: "eu-west-1", Retryer: aws.NopRetryer{}, HTTPClient: http.DefaultClient,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: key.SessionToken}, nil
		}),
	})
}

// assume asks for credentials as a program does.
func (l *lab) assume(token string, changes ...func(*sts.AssumeRoleWithWebIdentityInput)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(roleARN), RoleSessionName: aws.String("alice"), WebIdentityToken: &token}
	for _, change := range changes {
		change(in)
	}
	return l.sts(devcloud.Key{}).AssumeRoleWithWebIdentity(l.t.Context(), in)
}

// session is what a good token gets.
func (l *lab) session() devcloud.Key {
	l.t.Helper()
	out, err := l.assume(l.token(nil))
	if err != nil {
		l.t.Fatal(err)
	}
	c := out.Credentials
	return devcloud.Key{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken}
}

// code returns the code of AWS that err carries, or what else it is.
func code(err error) string {
	var sdk smithy.APIError
	var own *devcloud.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &sdk):
		return sdk.ErrorCode()
	case errors.As(err, &own):
		return own.Code
	}
	return err.Error()
}

// trusting is an https client that trusts one authority.
func trusting(t *testing.T, ca []byte) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("the CA is not PEM")
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}
