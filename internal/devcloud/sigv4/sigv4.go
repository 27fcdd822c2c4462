// Package sigv4 checks AWS Signature Version 4 on the server's side: it signs
// what came in once more, with the SDK's own signer, and compares.
package sigv4

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// What can be wrong with a signature before a key is even looked at.
var (
	ErrNone      = errors.New("the request is not signed")
	ErrMalformed = errors.New("the signature cannot be read")
	ErrUnsigned  = errors.New("there were headers present in the request which were not signed")
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	timeForm  = "20060102T150405Z"
	maxExpiry = 7 * 24 * time.Hour
)

// A Key is what requests are signed with.
type Key struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // empty for a key that does not expire
}

// A Signature is what a request says about how it was signed.
type Signature struct {
	AccessKeyID string
	Region      string
	Service     string
	Token       string        // the session token, if there is one
	Time        time.Time     // when it was signed, by the signer's clock
	Presigned   bool          // it came in the query, not in a header
	Expires     time.Duration // with Presigned: how long it is good for
	Payload     string        // x-amz-content-sha256 as it was sent, or empty

	headers []string // the signed ones, lower case
	given   string   // hex
}

// Read finds the signature of r.
func Read(r *http.Request) (*Signature, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return readHeader(r, header)
	}
	if r.URL.Query().Has("X-Amz-Signature") {
		return readQuery(r.URL.Query(), r.Header)
	}
	return nil, ErrNone
}

func readHeader(r *http.Request, header string) (*Signature, error) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return nil, ErrMalformed
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	s := &Signature{
		Token:   r.Header.Get("X-Amz-Security-Token"),
		Payload: r.Header.Get("X-Amz-Content-Sha256"),
		headers: strings.Split(fields["SignedHeaders"], ";"),
		given:   fields["Signature"],
	}
	if err := s.readScope(fields["Credential"], r.Header.Get("X-Amz-Date")); err != nil {
		return nil, err
	}
	return s, s.coversAmzHeaders(r.Header)
}

func readQuery(q url.Values, header http.Header) (*Signature, error) {
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if q.Has("X-Amz-Expires") && (err != nil || seconds < 0) || q.Get("X-Amz-Algorithm") != algorithm {
		return nil, ErrMalformed
	}
	s := &Signature{
		Token:     q.Get("X-Amz-Security-Token"),
		Payload:   q.Get("X-Amz-Content-Sha256"),
		Presigned: true,
		Expires:   time.Duration(seconds) * time.Second,
		headers:   strings.Split(q.Get("X-Amz-SignedHeaders"), ";"),
		given:     q.Get("X-Amz-Signature"),
	}
	if s.Expires > maxExpiry {
		return nil, ErrMalformed
	}
	if err := s.readScope(q.Get("X-Amz-Credential"), q.Get("X-Amz-Date")); err != nil {
		return nil, err
	}
	return s, s.coversAmzHeaders(header)
}

// readScope takes KEY/DATE/REGION/SERVICE/aws4_request apart.
func (s *Signature) readScope(credential, date string) error {
	parts := strings.Split(credential, "/")
	when, err := time.Parse(timeForm, date)
	if err != nil || len(parts) != 5 || parts[4] != "aws4_request" || parts[1] != date[:8] {
		return ErrMalformed
	}
	if !slices.Contains(s.headers, "host") || s.given == "" {
		return ErrMalformed
	}
	s.AccessKeyID, s.Region, s.Service, s.Time = parts[0], parts[2], parts[3], when
	return nil
}

// coversAmzHeaders refuses what somebody between signer and server could have
// added to change what the request means.
func (s *Signature) coversAmzHeaders(header http.Header) error {
	for name := range header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(s.headers, name) {
			return ErrUnsigned
		}
	}
	return nil
}

// Matches reports whether r was signed with secret. payloadHash is the hex
// SHA-256 of the body, or what the service takes in its place.
func (s *Signature) Matches(r *http.Request, secret, payloadHash string) bool {
	again := s.unsigned(r)
	key := aws.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: secret, SessionToken: s.Token}
	var signature string
	var err error
	if s.Presigned {
		signature, err = s.presign(again, key, payloadHash)
	} else {
		signature, err = s.sign(again, key, payloadHash)
	}
	return err == nil && subtle.ConstantTimeCompare([]byte(signature), []byte(s.given)) == 1
}

// unsigned is r as it was before it was signed, with nothing but the signed
// headers.
func (s *Signature) unsigned(r *http.Request) *http.Request {
	u := *r.URL
	q := u.Query()
	q.Del("X-Amz-Signature")
	u.RawQuery = q.Encode()
	again := &http.Request{Method: r.Method, URL: &u, Host: r.Host, Header: http.Header{}}
	for _, name := range s.headers {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = slices.Clone(r.Header.Values(name))
		}
	}
	return again
}

func (s *Signature) options(o *v4.SignerOptions) {
	o.DisableURIPathEscaping = s.Service == "s3"
	o.DisableHeaderHoisting = true
	o.DisableSessionToken = !s.Presigned // a header's is among the signed headers already
}

func (s *Signature) sign(r *http.Request, key aws.Credentials, payloadHash string) (string, error) {
	err := v4.NewSigner().SignHTTP(context.Background(), key, r, payloadHash, s.Service, s.Region, s.Time, s.options)
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	return signature, err
}

func (s *Signature) presign(r *http.Request, key aws.Credentials, payloadHash string) (string, error) {
	text, _, err := v4.NewSigner().PresignHTTP(context.Background(), key, r, payloadHash, s.Service, s.Region, s.Time, s.options)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	return u.Query().Get("X-Amz-Signature"), nil
}

// Sign signs r as a client does. service is "s3", "sts" or "iam".
func Sign(r *http.Request, key Key, body []byte, service, region string, now time.Time) error {
	credentials := aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: key.SessionToken}
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", Hash(body))
	}
	options := func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" }
	return v4.NewSigner().SignHTTP(r.Context(), credentials, r, Hash(body), service, region, now, options)
}

// Hash returns the hex SHA-256 of body.
func Hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
