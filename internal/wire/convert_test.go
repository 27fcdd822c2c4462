package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// revealed compares what Values hold, and whether it is secret.
var revealed = cmp.Comparer(func(a, b esc.Value) bool {
	return a.IsSecret() == b.IsSecret() && a.HasSecret() == b.HasSecret() && show(a) == show(b)
})

func show(v esc.Value) string {
	if list, ok := v.List(); ok {
		parts := make([]string, len(list))
		for i, e := range list {
			parts[i] = fmt.Sprint(show(e), e.IsSecret())
		}
		return fmt.Sprint(parts)
	}
	if object, ok := v.Object(); ok {
		parts := map[string]string{}
		for k, e := range object {
			parts[k] = fmt.Sprint(show(e), e.IsSecret())
		}
		return fmt.Sprint(parts)
	}
	return fmt.Sprintf("%T(%v)", v.Reveal(), v.Reveal())
}

func TestEnvironmentComesBackAsItWent(t *testing.T) {
	env := &esc.Environment{
		Name: "shop/dev shop/more",
		Variables: []esc.Variable{
			{Name: "A", Value: esc.New("é\n\x00\u2028'\"")}, {Name: "B", Value: esc.NewSecret("s"), Leases: []int{0}}, {Name: "C", Value: esc.New("")},
		},
		Files: []esc.File{{Name: "D", Content: esc.NewSecret("x\n"), Leases: []int{0}}, {Name: "E", Content: esc.New("")}},
		Leases: []esc.Lease{
			{Name: "aws-login at shop/dev:3:5", Expires: time.Date(2026, 11, 23, 16, 0, 0, 5, time.UTC), Renew: time.Date(2026, 11, 23, 15, 55, 0, 0, time.UTC)},
		},
		Value: esc.New(map[string]esc.Value{
			"list": esc.New([]esc.Value{esc.New(true), esc.New(nil), esc.New(json.Number("1e400"))}),
			"deep": esc.NewSecret(map[string]esc.Value{"x": esc.New("y")}),
			"none": esc.NewSecret(nil), "empty": esc.New([]esc.Value{}),
		}),
		Secrets: []esc.Value{esc.NewSecret("s"), esc.NewSecret("y")},
		Expires: time.Date(2026, 11, 23, 16, 0, 0, 5, time.UTC), Renew: time.Date(2026, 11, 23, 15, 55, 0, 0, time.UTC),
		Sources: []string{"/a/b.yaml"}, AllowedNames: []string{"PATH"},
		Warnings: esc.Diagnostics{{Position: esc.Position{File: "f", Line: 1, Column: 2}, Summary: "odd", Warning: true}},
	}
	sent, err := wire.FromEnvironment(env)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	var received wire.OpenResult
	if err := json.Unmarshal(text, &received); err != nil {
		t.Fatal(err)
	}
	got, err := received.Environment()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(env, got, revealed); diff != "" {
		t.Errorf("(-sent +received):\n%s", diff)
	}
}

func TestValuesThatAreNotTextAreRefused(t *testing.T) {
	binary := "caf\xe9"
	for name, env := range map[string]*esc.Environment{
		"variable": {Variables: []esc.Variable{{Name: "A", Value: esc.NewSecret(binary)}}},
		"object":   {Variables: []esc.Variable{{Name: "A", Value: esc.New(map[string]esc.Value{})}}},
		"secret":   {Secrets: []esc.Value{esc.NewSecret(binary)}},
		"value":    {Value: esc.New([]esc.Value{esc.New(map[string]esc.Value{"x": esc.New(binary)})})},
	} {
		_, err := wire.FromEnvironment(env)
		var e *esc.Error
		if !errors.As(err, &e) || e.Kind != esc.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestErrorsComeBackAsTheyWent(t *testing.T) {
	refused := esc.Errorf(esc.Refused, "no").WithHint("ask again")
	diags := esc.Diagnostics{{Position: esc.Position{File: "shop/dev", Line: 1, Column: 2}, Summary: "odd"}}
	for _, tc := range []struct {
		err  error
		want error
	}{
		{refused, refused},
		{fmt.Errorf("opening shop/dev: %w", refused), esc.Errorf(esc.Refused, "opening shop/dev: no").WithHint("ask again")},
		{fmt.Errorf("opening: %w", diags), diags},
		{context.DeadlineExceeded, esc.Errorf(esc.Unavailable, "it took too long")},
		{context.Canceled, esc.Errorf(esc.Unavailable, "interrupted")},
		{fs.ErrPermission, esc.Errorf(esc.Internal, "permission denied")},
		{&wire.Error{Kind: esc.Conflict, Summary: "late"}, esc.Errorf(esc.Conflict, "late")},
	} {
		if diff := cmp.Diff(tc.want, wire.FromError(tc.err).Err()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tc.err, diff)
		}
	}
}
