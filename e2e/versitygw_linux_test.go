package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestVersitygw(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := startVersitygw(t)
	c.testMainJob(t)
	c.testRefused(t, "a wrong audience", "a wrong subject", "a foreign key", "an end past its grace")
	t.Run("a token within its grace is taken", c.testGrace)
}

// provider is how versitygw, like AWS, names the issuer: without its scheme.
var provider = strings.TrimPrefix(issuerURL, "https://")

// startVersitygw starts versitygw's IAM, STS and S3, and sets up what a guide
// for AWS has people set up: the identity provider, and a role that trusts it.
func startVersitygw(t *testing.T) cloud {
	t.Helper()
	i := newIssuer(t)
	thumbprint := serveIssuer(t, i)

	dir := serverDir(t)
	iamAddress, s3Address := freeAddress(t), freeAddress(t)
	for _, sub := range []string{"iam", "s3"} {
		os.Mkdir(filepath.Join(dir, sub), 0o700)
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	flags := []string{"--quiet", "--health", "/healthz", "-a", "AKIAROOT", "-s", "rootsecret"}
	startServer(t, "http://"+iamAddress+"/healthz", env, "versitygw",
		append(flags, "-p", iamAddress, "iam", "--dir", dir+"/iam", "--private-ports", dir+"/iam.sock")...)
	startServer(t, "http://"+s3Address+"/healthz", env, "versitygw",
		append(flags, "-p", s3Address, "--iam-standalone-endpoint", dir+"/iam.sock", "posix", dir+"/s3")...)

	root := admin{t, aws.Credentials{AccessKeyID: "AKIAROOT", SecretAccessKey: "rootsecret"}}
	root.trust("http://"+iamAddress, thumbprint)
	root.makeBucket("http://"+s3Address, "shop-assets")
	return cloud{
		issuer: i, sts: newWitness(t, "http://"+iamAddress), s3: "http://" + s3Address,
		role: "arn:aws:iam::000000000000:role/shop-prod", bucket: "shop-assets",
	}
}

// trust registers the issuer and makes a role for the subject of shop/prod,
// that may list buckets.
func (a admin) trust(endpoint, thumbprint string) {
	a.t.Helper()
	a.iam(endpoint, "CreateOpenIDConnectProvider", url.Values{
		"Url": {issuerURL}, "ClientIDList.member.1": {audience}, "ThumbprintList.member.1": {thumbprint},
	})
	a.iam(endpoint, "CreateRole", url.Values{"RoleName": {"shop-prod"}, "AssumeRolePolicyDocument": {policy(a.t, object{
		"Action":    "sts:AssumeRoleWithWebIdentity",
		"Principal": object{"Federated": "arn:aws:iam::000000000000:oidc-provider/" + provider},
		"Condition": object{"StringEquals": object{provider + ":aud": audience, provider + ":sub": subject}},
	})}})
	a.iam(endpoint, "PutRolePolicy", url.Values{"RoleName": {"shop-prod"}, "PolicyName": {"list"}, "PolicyDocument": {policy(a.t, object{
		"Action": []string{"s3:ListAllMyBuckets", "s3:ListBucket"}, "Resource": "*",
	})}})
}

type object map[string]any

// policy is a policy document with one statement, which allows.
func policy(t *testing.T, statement object) string {
	t.Helper()
	statement["Effect"] = "Allow"
	text, err := json.Marshal(object{"Version": "2012-10-17", "Statement": []object{statement}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// serveIssuer serves the issuer's documents at its URL, with a certificate
// from an authority made for this, which is the last one of the served chain.
// It returns the authority's thumbprint.
func serveIssuer(t *testing.T, i issuer) (thumbprint string) {
	t.Helper()
	l, err := net.Listen("tcp", issuerAddress+":443")
	if err != nil {
		t.Fatal(err)
	}
	chain := newChain(t)
	site := httptest.NewUnstartedServer(http.StripPrefix("/escenv/prod", i.documents("")))
	site.Listener.Close()
	site.Listener = l
	site.TLS = &tls.Config{Certificates: []tls.Certificate{chain}}
	site.StartTLS()
	t.Cleanup(site.Close)
	sum := sha1.Sum(chain.Certificate[1])
	return hex.EncodeToString(sum[:])
}

// newChain makes a certificate for issuerHost and the authority that signed it.
func newChain(t *testing.T) tls.Certificate {
	t.Helper()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "escenv test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: issuerHost}, DNSNames: []string{issuerHost},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityKey, leafKey := newKey(t), newKey(t)
	authorityDER := signCertificate(t, authority, authority, authorityKey, authorityKey)
	leafDER := signCertificate(t, leaf, authority, leafKey, authorityKey)
	return tls.Certificate{Certificate: [][]byte{leafDER, authorityDER}, PrivateKey: leafKey}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signCertificate(t *testing.T, cert, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
