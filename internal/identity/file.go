package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// A File holds a token that something else keeps fresh, as Kubernetes does. It
// is read each time.
type File struct {
	Path string           // absolute
	Now  func() time.Time // the clock
}

// String describes the source.
func (f File) String() string { return "file " + f.Path }

// Token reads the token. It returns an *esc.Error of kind NotFound if there is
// no such file, and Invalid if it is not a regular file with a token in it.
func (f File) Token(_ context.Context, req esc.TokenRequest) (esc.Token, error) {
	text, err := readToken(f.Path)
	if errors.Is(err, os.ErrNotExist) {
		return esc.Token{}, esc.Errorf(esc.NotFound, "there is no identity token file %s", f.Path).
			WithHint("look whether identity.file in config.yaml, or AWS_WEB_IDENTITY_TOKEN_FILE, names the right one")
	}
	if err != nil {
		return esc.Token{}, fmt.Errorf("reading the identity token: %w", err)
	}
	return admit(text, f.String(), req, f.Now())
}

// readToken follows symbolic links, which Kubernetes mounts tokens behind, but
// does not wait on a pipe.
func readToken(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", esc.Errorf(esc.Invalid, "%s is not a regular file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err == nil && len(text) > maxToken {
		err = esc.Errorf(esc.Invalid, "%s is longer than the %d bytes a token can have", path, maxToken)
	}
	return string(text), err
}
