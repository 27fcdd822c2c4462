package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
)

// The documents an issuer publishes, below its URL.
const (
	discoveryName = ".well-known/openid-configuration"
	keysName      = "keys.json"
)

// discovery is an OpenID Provider's configuration, with every member that AWS
// wants. Nobody is ever sent to the authorization endpoint, but it must be
// named.
type discovery struct {
	Issuer        string   `json:"issuer"`
	KeysURL       string   `json:"jwks_uri"`
	Authorization string   `json:"authorization_endpoint"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Claims        []string `json:"claims_supported"`
}

// Documents returns what is to be found below the issuer's URL, by relative
// path. Only the public half of the key is in it.
func (i *Issuer) Documents() (map[string][]byte, error) {
	configuration, err := document(discovery{
		Issuer:        i.URL,
		KeysURL:       i.URL + "/" + keysName,
		Authorization: "urn:kubernetes:programmatic_authorization",
		ResponseTypes: []string{"id_token"},
		SubjectTypes:  []string{"public"},
		Algorithms:    []string{string(jose.ES256)},
		Claims:        []string{"aud", "exp", "iat", "iss", "jti", "nbf", "sub"},
	})
	if err != nil {
		return nil, err
	}
	keys, err := document(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: &i.key.PublicKey, KeyID: i.KeyID, Algorithm: string(jose.ES256), Use: "sig"},
	}})
	return map[string][]byte{discoveryName: configuration, keysName: keys}, err
}

func document(content any) ([]byte, error) {
	text, err := json.MarshalIndent(content, "", "  ")
	return append(text, '\n'), err
}

// Publish writes the issuer's documents below dir, readable by everyone, and
// returns their paths. The keys are in place before the document that names
// them. It returns an *esc.Error of kind Conflict, and writes nothing, if dir
// holds those of another issuer or another key.
func (i *Issuer) Publish(dir string) ([]string, error) {
	documents, err := i.Documents()
	if err != nil {
		return nil, err
	}
	root, err := openPublic(dir)
	if err != nil {
		return nil, fmt.Errorf("publishing the issuer: %w", err)
	}
	defer root.Close()
	if err := i.checkPublished(root); err != nil {
		return nil, err
	}
	var files []string
	for _, name := range []string{keysName, discoveryName} {
		file := filepath.Join(dir, name)
		if err := safefile.ReplaceIn(root, name, documents[name], 0o644); err != nil {
			return files, fmt.Errorf("writing %s: %w", file, err)
		}
		files = append(files, file)
	}
	return files, nil
}

// everybody may enter a directory that is published.
const everybody fs.FileMode = 0o755

// openPublic makes dir and its .well-known where they are missing.
func openPublic(dir string) (*os.Root, error) {
	if err := os.MkdirAll(filepath.Dir(dir), everybody); err != nil {
		return nil, err
	}
	for _, d := range []string{dir, filepath.Join(dir, filepath.Dir(discoveryName))} {
		err := os.Mkdir(d, everybody)
		if err == nil {
			err = os.Chmod(d, everybody) // whatever the umask says
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return os.OpenRoot(dir)
}

// checkPublished refuses to replace the documents of others.
func (i *Issuer) checkPublished(root *os.Root) error {
	var configuration discovery
	there, err := readDocument(root, discoveryName, &configuration)
	if err != nil {
		return err
	}
	if there && configuration.Issuer != i.URL {
		return occupied(root, discoveryName, "is of another issuer, "+esc.OneLine(configuration.Issuer, maxURL))
	}
	var keys struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if there, err = readDocument(root, keysName, &keys); err != nil {
		return err
	}
	if there && (len(keys.Keys) != 1 || keys.Keys[0].ID != i.KeyID) {
		return occupied(root, keysName, "holds other keys than this issuer's")
	}
	return nil
}

func occupied(root *os.Root, name, why string) error {
	file := filepath.Join(root.Name(), name)
	return esc.Errorf(esc.Conflict, "%s %s", file, why).
		WithHint("publish to another directory, or remove the file if nothing trusts it any more")
}

// readDocument reads a published document into v. What is not JSON counts as
// another's.
func readDocument(root *os.Root, name string, v any) (there bool, err error) {
	text, err := safefile.ReadIn(root, name, safefile.Rule{Access: safefile.Public, Max: maxFile})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if json.Unmarshal(bytes.TrimSpace(text), v) != nil {
		return true, occupied(root, name, "is not an issuer's")
	}
	return true, nil
}
