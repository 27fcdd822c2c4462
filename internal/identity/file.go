package identity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
)

// A File holds a token that something else keeps fresh, as Kubernetes does. It
// is read each time.
type File struct {
	Path     string           // absolute
	Now      func() time.Time // the clock
	Settings string           // the file that chose it, for hints
}

// String describes the source.
func (f File) String() string { return "file " + f.Path }

// Token reads the token. It returns an *esc.Error of kind NotFound if there is
// no such file, and Invalid if it is not a regular file with a token in it.
func (f File) Token(_ context.Context, req esc.TokenRequest) (esc.Token, error) {
	// Kubernetes mounts tokens behind symbolic links.
	text, _, err := safefile.Read(f.Path, safefile.Rule{Access: safefile.Public, Max: maxToken})
	var unsafe *safefile.UnsafeError
	switch {
	case errors.Is(err, os.ErrNotExist):
		return esc.Token{}, esc.Errorf(esc.NotFound, "there is no identity token file %s", f.Path).
			WithHint("look whether identity.file in %s, or AWS_WEB_IDENTITY_TOKEN_FILE, names the right one", f.Settings)
	case errors.As(err, &unsafe):
		return esc.Token{}, esc.Errorf(esc.Invalid, "the identity token file %s", unsafe).WithHint("%s", unsafe.Hint)
	case err != nil:
		return esc.Token{}, fmt.Errorf("reading the identity token: %w", err)
	}
	return gate{f.String(), f.Settings, f.Now()}.admit(string(text), req)
}
