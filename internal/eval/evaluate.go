package eval

import (
	"context"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

// Options say how far Evaluate goes.
type Options struct {
	Check       bool     // nothing is opened
	ShowSecrets bool     // with Check: ciphertext is decrypted nevertheless
	Rotate      bool     // every fn::rotate that stands in the definition itself rotates
	RotatePaths []string // with Rotate: only these do, paths below values; empty for all
}

// An Evaluation is all there is to know about a definition, right or wrong.
type Evaluation struct {
	Value       esc.Value // unknown where something is wrong, or was not opened
	Rotations   []Rotation
	Diagnostics esc.Diagnostics
}

// Evaluate computes every value of a definition and of all it imports, and
// goes on where one is wrong: for tools that show or rotate definitions. The
// error says that there is none to evaluate.
func (e *Evaluator) Evaluate(ctx context.Context, ref esc.Ref, opt Options) (*Evaluation, error) {
	m := mode{checking: opt.Check, showSecrets: opt.ShowSecrets, lenient: true, dropping: true, rotating: opt.Rotate && !opt.Check}
	var err error
	if m.rotatePaths, err = rotatePaths(opt.RotatePaths); err != nil {
		return nil, err
	}
	r, err := e.begin(ctx, ref, make(chan struct{}, maxParallel), m)
	if err != nil {
		return nil, err
	}
	defer r.cancel()
	var x result
	err = r.settleAll(func() bool {
		ready := r.everything()
		var whole bool
		x, whole = r.value(r.root.place())
		return ready && whole
	})
	if err != nil {
		return nil, err
	}
	return &Evaluation{Value: x.value, Rotations: r.rotations, Diagnostics: r.everythingSaid()}, nil
}

// rotatePaths writes paths as expressions write theirs.
func rotatePaths(texts []string) (map[string]bool, error) {
	paths := make(map[string]bool, len(texts))
	for _, text := range texts {
		steps, err := parsePath(text)
		if err != nil {
			return nil, err
		}
		var path strings.Builder
		path.WriteString("values")
		for _, s := range steps {
			path.WriteString(s.String())
		}
		paths[path.String()] = true
	}
	return paths, nil
}
