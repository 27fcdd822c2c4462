package webidentity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	fetchTimeout = 5 * time.Second
	keysLife     = 5 * time.Minute
	maxDocument  = 1 << 20
)

// Issuers fetches and remembers the keys that issuers publish.
type Issuers struct {
	Client *http.Client // trusts what it should; redirects are refused
	Now    func() time.Time

	mu    sync.Mutex
	known map[string]published
}

type published struct {
	keys []Key
	at   time.Time
}

// Verify checks t's signature by its issuer's published keys, which are
// fetched when they are older than five minutes or lack the token's kid.
func (s *Issuers) Verify(ctx context.Context, t *Token) error {
	known, ok := s.remembered(t.Issuer)
	if key, found := find(known, t.keyID); ok && found {
		return t.Verify(key)
	}
	keys, err := s.fetch(ctx, t.Issuer)
	if err != nil {
		return err
	}
	key, found := find(keys, t.keyID)
	if !found {
		return noKey()
	}
	return t.Verify(key)
}

// Forget drops every remembered key.
func (s *Issuers) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = nil
}

// Reach looks whether the issuer answers at all, as IAM does when it is asked
// to trust it.
func (s *Issuers) Reach(ctx context.Context, issuer string) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	_, err := s.get(ctx, discoveryURL(issuer))
	return err
}

func (s *Issuers) remembered(issuer string) ([]Key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.known[issuer]
	return p.keys, ok && s.Now().Sub(p.at) < keysLife
}

func find(keys []Key, id string) (Key, bool) {
	i := slices.IndexFunc(keys, func(k Key) bool { return k.ID == id })
	if i < 0 {
		return Key{}, false
	}
	return keys[i], true
}

func (s *Issuers) fetch(ctx context.Context, issuer string) ([]Key, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	text, err := s.get(ctx, discoveryURL(issuer))
	if err != nil {
		return nil, err
	}
	keysURL, err := parseDiscovery(text, issuer)
	if err != nil {
		return nil, noKey()
	}
	if text, err = s.get(ctx, keysURL); err != nil {
		return nil, err
	}
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, noKey()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]published{}
	}
	s.known[issuer] = published{keys, s.Now()}
	return keys, nil
}

func discoveryURL(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

// noKey is what STS says to all that is wrong with published documents, and so
// are we: whoever asks is not told more.
func noKey() error {
	return invalid("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
}

// parseDiscovery checks what STS requires of a discovery document and returns
// where the keys are.
func parseDiscovery(text []byte, issuer string) (keysURL string, err error) {
	var doc struct {
		Issuer     string   `json:"issuer"`
		KeysURL    string   `json:"jwks_uri"`
		Responses  []string `json:"response_types_supported"`
		Subjects   []string `json:"subject_types_supported"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return "", err
	}
	if doc.Issuer != issuer {
		return "", fmt.Errorf("the document is of another issuer, %q", doc.Issuer)
	}
	if !strings.HasPrefix(doc.KeysURL, "https://") {
		return "", errors.New("jwks_uri is not an https address")
	}
	if len(doc.Responses) == 0 || len(doc.Subjects) == 0 || len(doc.Algorithms) == 0 {
		return "", errors.New("the document lacks a required list")
	}
	return doc.KeysURL, nil
}

// get fetches one document.
func (s *Issuers) get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, noKey()
	}
	client := *s.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return nil, unreachable()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	switch {
	case err != nil, res.StatusCode >= 500:
		return nil, unreachable()
	case res.StatusCode != http.StatusOK, len(text) > maxDocument:
		return nil, noKey()
	}
	return text, nil
}

func unreachable() error {
	return &Error{"IDPCommunicationError", "The identity provider could not be reached to verify the incoming identity token"}
}
