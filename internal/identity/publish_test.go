package identity_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/identity"
)

// What AWS fetches is complete, and everyone can read it.
func TestPublish(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077)) // which must not matter
	i, issuerDir := newIssuer(t)
	dir := filepath.Join(t.TempDir(), "public")
	discovery, keys := filepath.Join(dir, ".well-known/openid-configuration"), filepath.Join(dir, "keys.json")
	files, err := i.Publish(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{keys, discovery}, files); diff != "" {
		t.Error(diff)
	}
	for file, want := range map[string]fs.FileMode{dir: 0o755, filepath.Dir(discovery): 0o755, discovery: 0o644, keys: 0o644} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", file, info.Mode(), err)
		}
	}
	if diff := cmp.Diff(map[string]any{
		"issuer":                                issuerURL,
		"jwks_uri":                              issuerURL + "/keys.json",
		"authorization_endpoint":                "urn:kubernetes:programmatic_authorization",
		"response_types_supported":              []any{"id_token"},
		"subject_types_supported":               []any{"public"},
		"id_token_signing_alg_values_supported": []any{"ES256"},
		"claims_supported":                      []any{"aud", "exp", "iat", "iss", "jti", "nbf", "sub"},
	}, read(t, discovery)); diff != "" {
		t.Error(diff)
	}
	key := read(t, keys)["keys"].([]any)[0].(map[string]any)
	if diff := cmp.Diff(map[string]any{"kty": "EC", "crv": "P-256", "kid": i.KeyID, "alg": "ES256", "use": "sig", "x": key["x"], "y": key["y"]}, key); diff != "" {
		t.Errorf("the published key has other members: %s", diff)
	}
	if again, err := i.Publish(dir); err != nil || len(again) != 2 {
		t.Errorf("publishing again: %v, %v", again, err)
	}
	if reopened, err := identity.OpenIssuer(issuerDir); err != nil {
		t.Error(err)
	} else if _, err := reopened.Publish(dir); err != nil {
		t.Errorf("publishing from disk: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("there is %v", entries)
	}
}

func read(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return all
}

// Publishing over another issuer would take its roles away from it.
func TestPublishDoesNotReplaceOthers(t *testing.T) {
	i, _ := newIssuer(t)
	for _, tt := range []struct{ file, text, want string }{
		{".well-known/openid-configuration", `{"issuer":"https://id.example.com/bob"}`, "is of another issuer, https://id.example.com/bob"},
		{".well-known/openid-configuration", `{"issuer":"https://id.example.com/alice/"}`, "is of another issuer, https://id.example.com/alice/"},
		{".well-known/openid-configuration", `{}`, "is of another issuer"},
		{".well-known/openid-configuration", `<html>`, "is not an issuer's"},
		{"keys.json", `{"keys":[{"kid":"another"}]}`, "holds other keys than this issuer's"},
		{"keys.json", `{"keys":[{"kid":"` + i.KeyID + `"},{"kid":"another"}]}`, "holds other keys than this issuer's"},
		{"keys.json", ``, "is not an issuer's"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, tt.file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, tt.text)
		files, err := i.Publish(dir)
		wantError(t, err, esc.Conflict, file+" "+tt.want)
		if text, _ := os.ReadFile(file); string(text) != tt.text || len(files) > 0 {
			t.Errorf("%s was changed to %s", file, text)
		}
	}
}

// A link in the published directory does not lead the writer out of it.
func TestPublishStaysInItsDirectory(t *testing.T) {
	i, _ := newIssuer(t)
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, ".well-known")); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Publish(dir); err == nil {
		t.Error("published through a link")
	}
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("wrote %v outside", entries)
	}
}

func TestNothingPrivateIsPublished(t *testing.T) {
	i, dir := newIssuer(t)
	documents, err := i.Documents()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for name, document := range documents {
		if strings.Contains(string(document), `"d"`) {
			t.Errorf("%s has the private member d: %s", name, document)
		}
		for line := range strings.Lines(string(text)) {
			if len(line) > 8 && !strings.HasPrefix(line, "-") && strings.Contains(string(document), strings.TrimSpace(line)) {
				t.Errorf("%s has a line of the key file", name)
			}
		}
	}
}
