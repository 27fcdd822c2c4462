package eval_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

// crashing panics where it is told to, with a secret.
type crashing struct{ in string }

func (c crashing) crash(in string) {
	if c.in == in {
		panic("hunter2")
	}
}

func (c crashing) Check(esc.Value) esc.Diagnostics { c.crash("check"); return nil }

func (c crashing) Open(context.Context, esc.Value, esc.Site) (esc.Opened, error) {
	c.crash("open")
	return esc.Opened{}, nil
}

func (c crashing) LoadRef(context.Context, esc.Ref) (*eval.Source, error) {
	c.crash("root")
	return &eval.Source{Name: "shop/dev", Text: []byte("imports: [shop/base]\nvalues: {a: {fn::open::crash: {}}}\n")}, nil
}

func (c crashing) Load(context.Context, string, *eval.Source) (*eval.Source, error) {
	c.crash("import")
	return &eval.Source{Name: "shop/base", Text: []byte("values: {}\n")}, nil
}

// TestACrashIsAnError: one definition must not end the program for all.
func TestACrashIsAnError(t *testing.T) {
	for _, in := range []string{"root", "import", "check", "open"} {
		c := crashing{in}
		e := &eval.Evaluator{Loader: c, Providers: map[string]esc.Provider{"crash": c}}
		_, err := e.Open(t.Context(), request(t, "shop/dev", esc.WantAll))
		var known *esc.Error
		if !errors.As(err, &known) || known.Kind != esc.Internal || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a crash in %s: got %v", in, err)
		}
	}
}
