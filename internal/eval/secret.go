package eval

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// A Decrypter opens the ciphertext that definitions hold in fn::secret. It is
// called from several goroutines.
type Decrypter interface {
	// Decrypt returns the plaintext of one secret of the definition in.
	// ciphertext is what the envelope holds.
	Decrypt(ctx context.Context, ciphertext []byte, in *Source) ([]byte, error)
}

// decrypt computes fn::secret of a ciphertext. It stays unknown while checking,
// which warns of what could not be opened; other values can.
func (r *run) decrypt(c *cell) (result, bool) {
	hidden := unknownLike(result{secret: true}, "string")
	switch {
	case c.expr.items == nil: // it was reported
		return hidden, true
	case r.decrypter == nil && (!r.checking || !r.lazy):
		r.noKey(c)
		return hidden, true
	case r.checking && !r.showSecrets:
		return hidden, true
	}
	text, _ := c.expr.value.RevealString()
	source := c.env.def.source
	return r.await(c, func(ctx context.Context) func() result {
		plain, err := r.decrypter.Decrypt(ctx, []byte(text), source)
		return func() result { return r.settleSecret(c, plain, err) }
	})
}

// noKey says that nobody can decrypt: a warning as long as nobody wants to.
func (r *run) noKey(c *cell) {
	warning := r.checking && !r.showSecrets
	if !r.room(warning) {
		return
	}
	d := diagnose(c.env.def.source, c.expr, "this ciphertext cannot be opened: escenv has no key for it",
		fmt.Sprintf("give the secret again: escenv env set %s %s --secret", c.env.def.source.Name, c.expr.short()))
	d.Warning = warning
	r.add(d)
}

func (r *run) settleSecret(c *cell, plain []byte, err error) result {
	hidden := unknownLike(result{secret: true}, "string")
	switch {
	case err != nil:
		r.failed(c, "decrypting", err)
		return hidden
	case len(plain) > maxValue:
		r.errorAt(c, tooLarge(maxValue), "")
		return hidden
	case !utf8.Valid(plain):
		r.errorAt(c, "the decrypted bytes are not UTF-8 text", "")
		return hidden
	}
	return scalarResult(esc.NewSecret(string(plain)))
}
