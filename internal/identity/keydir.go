package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
)

// The files of an issuer. issuer.json is written last: without it there is no
// issuer.
const (
	keyName    = "key.pem"
	issuerName = "issuer.json"

	maxFile = 64 << 10

	initCommand = "escenv issuer init https://YOUR-HOST/PATH"
)

type issuerFile struct {
	URL string `json:"url"`
}

// makeIssuer writes the files of a new issuer. A key that an interrupted run
// left behind is kept and used.
func makeIssuer(dir, issuerURL string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	root, err := openPrivate(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := root.Lstat(issuerName); err == nil {
		return alreadyThere(dir)
	}
	if err := makeKey(root); err != nil {
		return err
	}
	if _, err := readKey(root); err != nil {
		return err
	}
	text, err := json.Marshal(issuerFile{URL: issuerURL})
	if err != nil {
		return err
	}
	if err := safefile.CreateIn(root, issuerName, append(text, '\n'), 0o600); errors.Is(err, fs.ErrExist) {
		return alreadyThere(dir)
	} else if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Join(dir, issuerName), err)
	}
	return nil
}

func makeKey(root *os.Root) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := safefile.CreateIn(root, keyName, text, 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("writing %s: %w", filepath.Join(root.Name(), keyName), err)
	}
	return nil
}

func alreadyThere(dir string) error {
	return esc.Errorf(esc.Conflict, "there is an issuer in %s already", dir).
		WithHint("escenv issuer show; to begin anew, move that directory away: roles that trust its key will no longer")
}

// readIssuer reads what makeIssuer wrote.
func readIssuer(dir string) (string, *ecdsa.PrivateKey, error) {
	root, err := openPrivate(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, noIssuer(dir)
	}
	if err != nil {
		return "", nil, err
	}
	defer root.Close()
	text, err := readPrivate(root, issuerName)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, noIssuer(dir)
	}
	if err != nil {
		return "", nil, err
	}
	var about issuerFile
	if json.Unmarshal(text, &about) != nil {
		return "", nil, damaged(dir, issuerName)
	}
	key, err := readKey(root)
	return about.URL, key, err
}

func noIssuer(dir string) error {
	return esc.Errorf(esc.NotFound, "there is no issuer in %s", dir).WithHint("%s", initCommand)
}

func readKey(root *os.Root) (*ecdsa.PrivateKey, error) {
	text, err := readPrivate(root, keyName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the issuer's key: %w", err)
	}
	key := parseKey(text)
	if key == nil {
		return nil, damaged(root.Name(), keyName)
	}
	return key, nil
}

func damaged(dir, name string) error {
	return esc.Errorf(esc.Invalid, "%s is missing or not what escenv wrote", filepath.Join(dir, name)).
		WithHint("restore it, or move %s away and run escenv issuer init", dir)
}

// parseKey returns nil if text is not a P-256 key.
func parseKey(text []byte) *ecdsa.PrivateKey {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(*ecdsa.PrivateKey); err == nil && ok && key.Curve == elliptic.P256() {
		return key
	}
	return nil
}

// openPrivate opens a directory that is this user's alone. A symbolic link is
// followed; what counts is the directory it ends at.
func openPrivate(dir string) (*os.Root, error) {
	root, err := safefile.OpenDir(dir, private())
	return root, refused(err)
}

// readPrivate reads a small file that is this user's alone.
func readPrivate(root *os.Root, name string) ([]byte, error) {
	text, err := safefile.ReadIn(root, name, private())
	return text, refused(err)
}

func private() safefile.Rule {
	return safefile.Rule{UID: os.Geteuid(), Access: safefile.Private, Max: maxFile, NoFollow: true}
}

// refused says what to do about a key that others own or could have read.
func refused(err error) error {
	unsafe, ok := errors.AsType[*safefile.UnsafeError](err)
	if !ok {
		return err
	}
	hint := "make an issuer of your own: " + initCommand
	if !unsafe.Foreign && unsafe.Hint != "" {
		hint = unsafe.Hint + "; if others could have read the key, make a new issuer"
	}
	return &esc.Error{Kind: esc.Refused, Summary: unsafe.Error(), Hint: hint}
}
