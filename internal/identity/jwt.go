package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

const (
	// maxToken is the longest token STS takes, in bytes.
	maxToken = 20_000
	// grace is how long after its expiry STS still takes a token.
	grace = 5 * time.Minute
	// lastSecond is the last that RFC 3339 can write.
	lastSecond = 253402300799
)

// A gate is what every token passes, whatever its source.
type gate struct {
	source   string // in words
	settings string // the file that could choose another, for hints
	now      time.Time
}

// admit takes what a source printed, sent or held for a token. It refuses what
// is no token, is for another audience or expired past AWS's grace.
func (g gate) admit(text string, req esc.TokenRequest) (esc.Token, error) {
	token, err := decode(strings.TrimSpace(text))
	switch {
	case err != nil:
		return esc.Token{}, esc.Errorf(esc.Invalid, "what %s gave is not an identity token: %v", g.source, err).
			WithHint("look whether identity: in %s names where a token comes from", g.settings)
	case !slices.Contains(token.Audience, req.Audience):
		return esc.Token{}, esc.Errorf(esc.Invalid, "the identity token from %s is not for the audience %s; it presents %s",
			g.source, req.Audience, token.Claims()).
			WithHint("have it issued for %s, or set audience: in %s to the one that AWS expects", req.Audience, g.settings)
	case !g.now.Before(token.Expires.Add(grace)):
		return esc.Token{}, esc.Errorf(esc.Refused, "the identity token from %s has expired; it presents %s", g.source, token.Claims()).
			WithHint("get a new one from the identity provider, and look whether this machine's clock is right")
	}
	return token, nil
}

// decode reads what a JWT claims, without verifying it.
func decode(jwt string) (esc.Token, error) {
	if len(jwt) > maxToken {
		return esc.Token{}, fmt.Errorf("it is longer than %d bytes", maxToken)
	}
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return esc.Token{}, errors.New("it does not have three parts with dots between them")
	}
	if _, err := object(parts[0]); err != nil {
		return esc.Token{}, fmt.Errorf("its header %w", err)
	}
	if signature, err := segment(parts[2]); err != nil || len(signature) == 0 {
		return esc.Token{}, errors.New("its signature is not base64url")
	}
	claims, err := object(parts[1])
	if err != nil {
		return esc.Token{}, fmt.Errorf("its payload %w", err)
	}
	return fromClaims(jwt, claims)
}

func fromClaims(jwt string, claims map[string]json.RawMessage) (esc.Token, error) {
	token := esc.Token{JWT: esc.NewSecret(jwt)}
	var err error
	if token.Issuer, err = text(claims["iss"]); err != nil {
		return esc.Token{}, fmt.Errorf("its iss %w", err)
	}
	if token.Subject, err = text(claims["sub"]); err != nil {
		return esc.Token{}, fmt.Errorf("its sub %w", err)
	}
	if token.Audience, err = texts(claims["aud"]); err != nil {
		return esc.Token{}, fmt.Errorf("its aud %w", err)
	}
	if token.Expires, err = instant(claims["exp"]); err != nil {
		return esc.Token{}, fmt.Errorf("its exp %w", err)
	}
	return token, nil
}

// object reads a segment that holds a JSON object. Keys keep their case, as
// they would not in a struct.
func object(encoded string) (map[string]json.RawMessage, error) {
	raw, err := segment(encoded)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return nil, errors.New("is not a JSON object")
	}
	return members, nil
}

func segment(encoded string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") { // the decoder skips line ends
		return nil, errors.New("is not base64url")
	}
	return raw, nil
}

func text(raw json.RawMessage) (string, error) {
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil || *s == "" {
		return "", errors.New("is missing or not a string")
	}
	return *s, nil
}

// texts reads a string or a list of them.
func texts(raw json.RawMessage) ([]string, error) {
	if one, err := text(raw); err == nil {
		return []string{one}, nil
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil || len(many) == 0 {
		return nil, errors.New("is missing or neither a string nor a list of strings")
	}
	list := make([]string, len(many))
	for i, element := range many {
		var err error
		if list[i], err = text(element); err != nil {
			return nil, errors.New("is a list with something else than strings in it")
		}
	}
	return list, nil
}

// instant reads a whole number of seconds since 1970.
func instant(raw json.RawMessage) (time.Time, error) {
	seconds, err := strconv.ParseInt(string(bytes.TrimSpace(raw)), 10, 64)
	if err != nil || seconds <= 0 || seconds > lastSecond {
		return time.Time{}, errors.New("is missing or not a whole number of seconds")
	}
	return time.Unix(seconds, 0).UTC(), nil
}
