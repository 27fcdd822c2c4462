package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/escenv/escenv/internal/esc"
)

// How long the own issuer's tokens are good for.
const (
	DefaultLifetime = 2 * time.Minute
	MinLifetime     = 10 * time.Second
	MaxLifetime     = time.Hour
)

// backdate is how far in the past a token begins, for clocks that are slow.
const backdate = 30 * time.Second

// maxURL is the longest issuer URL that IAM takes, in bytes.
const maxURL = 255

// An Issuer signs identity tokens with a key of the user's own. Whoever holds
// the key can be every subject of the issuer.
type Issuer struct {
	URL     string // what tokens carry as iss, and where its documents are published
	KeyID   string
	KeyFile string // absolute if the directory it was opened in is

	// What OpenIssuer leaves to be set before Token is called.
	User     string           // whom tokens name in their subject
	Lifetime time.Duration    // from MinLifetime to MaxLifetime
	Now      func() time.Time // the clock
	Settings string           // the file that sets User and Lifetime, for hints

	key *ecdsa.PrivateKey
}

// InitIssuer makes the issuer of that URL in dir, with a new key. It returns
// an *esc.Error of kind Conflict if dir holds an issuer, and Invalid if AWS
// would not take the URL.
func InitIssuer(dir, issuerURL string) (*Issuer, error) {
	if err := checkURL(issuerURL); err != nil {
		return nil, err
	}
	if err := makeIssuer(dir, issuerURL); err != nil {
		return nil, err
	}
	return OpenIssuer(dir)
}

// OpenIssuer reads the issuer in dir. It returns an *esc.Error of kind NotFound
// if there is none, and Refused if others could read or change its files.
func OpenIssuer(dir string) (*Issuer, error) {
	issuerURL, key, err := readIssuer(dir)
	if err != nil {
		return nil, err
	}
	if err := checkURL(issuerURL); err != nil {
		return nil, err
	}
	id, err := keyID(key)
	return &Issuer{URL: issuerURL, KeyID: id, KeyFile: filepath.Join(dir, keyName), key: key}, err
}

// String describes the source.
func (i *Issuer) String() string { return "issuer " + i.URL }

// Token signs a token. It returns an *esc.Error of kind Invalid when the
// subject that is asked for cannot be made.
func (i *Issuer) Token(_ context.Context, req esc.TokenRequest) (esc.Token, error) {
	if i.Lifetime < MinLifetime || i.Lifetime > MaxLifetime {
		return esc.Token{}, esc.Errorf(esc.Invalid, "the issuer's tokens cannot live %s: from %s to %s is possible", i.Lifetime, MinLifetime, MaxLifetime)
	}
	sub, err := i.subject(req)
	if err != nil {
		return esc.Token{}, err
	}
	now := i.Now()
	begin := now.Add(-backdate).Unix()
	jwt, err := i.sign(map[string]any{
		"iss": i.URL, "aud": req.Audience, "sub": sub,
		"iat": begin, "nbf": begin, "exp": now.Add(i.Lifetime).Unix(), "jti": rand.Text(),
	})
	if err != nil {
		return esc.Token{}, fmt.Errorf("signing an identity token: %w", err)
	}
	return gate{i.String(), i.Settings, now}.admit(jwt, req)
}

func (i *Issuer) sign(claims map[string]any) (string, error) {
	key := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.KeyID}}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// keyID is the SHA-256 of the public key as X.509 writes it, the usual choice.
func keyID(key *ecdsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// checkURL holds an issuer's URL against what IAM registers. AWS compares it
// with iss byte by byte, so what could be written in two ways is refused.
func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || u.String() != address {
		return badURL(address, "it is not written as a plain URL")
	}
	local := isLoopback(u.Hostname())
	switch {
	case len(address) > maxURL:
		return badURL(address, "it is longer than %d bytes", maxURL)
	case u.Scheme != "https" && (u.Scheme != "http" || !local):
		return badURL(address, "AWS wants https://")
	case u.Host == "" || u.Hostname() == "":
		return badURL(address, "it has no host")
	case u.Host != strings.ToLower(u.Host):
		return badURL(address, "its host is not in lower case")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(address, "#"):
		return badURL(address, "it has more than a host and a path")
	case (u.Port() != "" || strings.HasSuffix(u.Host, ":")) && !local:
		return badURL(address, "it names a port")
	case u.Path != "" && (u.Path == "/" || u.Path != path.Clean(u.Path)):
		return badURL(address, "its path ends in a slash or is not in its shortest form")
	case strings.ContainsAny(u.Path, "%*") || u.RawPath != "" || u.EscapedPath() != u.Path:
		return badURL(address, "its path has characters that need escapes")
	}
	return nil
}

func badURL(address, format string, args ...any) error {
	return esc.Errorf(esc.Invalid, "%s cannot be an issuer: %s", esc.OneLine(address, maxURL), fmt.Sprintf(format, args...)).
		WithHint("use an address like https://id.example.com/alice, where you can publish two files for everyone")
}
