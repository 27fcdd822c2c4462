package activation_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/esc"
)

// TestWhatTheShellCannotHoldIsLeftOut, said once, and not replaced by
// something near it.
func TestWhatTheShellCannotHoldIsLeftOut(t *testing.T) {
	w := newWorld(t)
	w.serve("TEXT", "é", "BYTES", "\xff")
	a := &activation.Activator{
		Finder: finder(), Opener: w, Salt: "salt", Now: func() time.Time { return w.now },
		Check: func(string, string) (esc.Verdict, error) { return esc.Allowed, nil },
	}
	shell := activation.Shell{Dir: filepath.Join(w.root, "shop"), Holds: utf8.ValidString}
	s := a.Step(context.Background(), shell)
	want := []activation.Refusal{{Name: "BYTES", Why: "is not UTF-8 text, and this shell holds nothing else"}}
	if diff := cmp.Diff(want, s.Refused); diff != "" {
		t.Error(diff)
	}
	for _, c := range s.Changes {
		w.apply(c)
	}
	if _, set := w.environ["BYTES"]; set || w.environ["TEXT"] != "é" || w.environ[activation.MarkerVars] != "TEXT" {
		t.Errorf("the shell has %q", w.environ)
	}
	shell.State = s.State
	if s := a.Step(context.Background(), shell); s.Refused != nil {
		t.Error("it is said again")
	}
}
