// Package webidentity does what STS does with a web identity token: it reads
// it, finds the issuer's published keys and verifies it, as strictly as AWS
// documents. It shares no code with what signs escenv's own tokens.
package webidentity

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// How long a token may be, in characters.
const (
	MinLength = 4
	MaxLength = 20000
)

// An Error is what STS answers about a token: one of its codes, and its words.
type Error struct {
	Code    string
	Message string
}

// Error returns the words.
func (e *Error) Error() string { return e.Message }

func invalid(format string, args ...any) error {
	return &Error{"InvalidIdentityToken", fmt.Sprintf(format, args...)}
}

// A Token is a JWT that was read. Nothing in it is to be believed before
// Verify and CheckTime.
type Token struct {
	Issuer          string
	Subject         string
	Audience        []string
	AuthorizedParty string // azp
	Email           string
	SourceIdentity  string
	Tags            bool // it carries session tags
	Expires         time.Time

	algorithm string
	keyID     string
	notBefore time.Time
	input     string
	signature []byte
}

// Parse reads a token in compact form. It looks at no header but alg, kid and
// crit: keys and addresses that a token brings along count for nothing.
func Parse(text string) (*Token, error) {
	const notJWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	parts := strings.Split(text, ".")
	if len(text) < MinLength || len(text) > MaxLength || len(parts) != 3 || strings.ContainsAny(text, "\r\n") {
		return nil, invalid(notJWT) // encoding/base64 would pass over line ends
	}
	header, err := object(parts[0])
	if err != nil {
		return nil, invalid(notJWT)
	}
	claims, err := object(parts[1])
	if err != nil {
		return nil, invalid(notJWT)
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return nil, invalid(notJWT)
	}
	t := &Token{input: parts[0] + "." + parts[1], signature: signature}
	if err := t.readHeader(header); err != nil {
		return nil, err
	}
	return t, t.readClaims(claims)
}

func object(part string) (map[string]json.RawMessage, error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	err = json.Unmarshal(text, &fields)
	return fields, err
}

func (t *Token) readHeader(header map[string]json.RawMessage) error {
	t.algorithm, t.keyID = str(header["alg"]), str(header["kid"])
	if _, ok := algorithms[t.algorithm]; !ok {
		return invalid("Unsupported signing algorithm %q: use RS256, RS384, RS512, ES256, ES384 or ES512", t.algorithm)
	}
	if t.keyID == "" {
		return invalid("Missing a required header parameter: kid")
	}
	if header["crit"] != nil {
		return invalid("Unsupported header parameter: crit")
	}
	return nil
}

func (t *Token) readClaims(claims map[string]json.RawMessage) error {
	for _, name := range []string{"iss", "aud", "sub", "iat", "exp"} {
		if claims[name] == nil {
			return invalid("Missing a required claim: %s", name)
		}
	}
	t.Issuer, t.Subject = str(claims["iss"]), str(claims["sub"])
	t.AuthorizedParty, t.Email = str(claims["azp"]), str(claims["email"])
	t.SourceIdentity = str(claims["https://aws.amazon.com/source_identity"])
	t.Tags = claims["https://aws.amazon.com/tags"] != nil
	t.Audience = strs(claims["aud"])
	if t.Issuer == "" || len(t.Audience) == 0 {
		return invalid("Missing a required claim: iss or aud is empty")
	}
	if len(t.Subject) < 1 || len(t.Subject) > 255 {
		return invalid("Invalid claim: sub must have 1 to 255 characters")
	}
	return t.readTimes(claims)
}

func (t *Token) readTimes(claims map[string]json.RawMessage) error {
	var issued time.Time
	for name, into := range map[string]*time.Time{"iat": &issued, "exp": &t.Expires, "nbf": &t.notBefore} {
		raw := claims[name]
		if raw == nil {
			continue // nbf may be missing
		}
		seconds, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return invalid("Invalid claim: %s is not an integer", name)
		}
		*into = time.Unix(seconds, 0)
	}
	return nil
}

func str(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func strs(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	if s := str(raw); s != "" {
		return []string{s}
	}
	return nil
}

// leeway is how far AWS lets a token's clock and its own differ.
const leeway = 5 * time.Minute

// CheckTime refuses a token that is not yet good or not any more.
func (t *Token) CheckTime(now time.Time) error {
	if now.After(t.Expires.Add(leeway)) {
		return &Error{"ExpiredTokenException", fmt.Sprintf(
			"Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), t.Expires.Unix())}
	}
	if now.Add(leeway).Before(t.notBefore) {
		return invalid("Token is not yet valid: current date/time %d must be after the not-before date/time %d", now.Unix(), t.notBefore.Unix())
	}
	return nil
}

// Client returns which of the registered client ids the token is for. With
// azp, that is what counts; several audiences need it.
func (t *Token) Client(registered []string) (string, error) {
	presented := t.AuthorizedParty
	if presented == "" && len(t.Audience) == 1 {
		presented = t.Audience[0]
	}
	for _, id := range registered {
		if id == presented && presented != "" {
			return id, nil
		}
	}
	return "", invalid("Incorrect token audience")
}
