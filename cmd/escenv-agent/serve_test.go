package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// TestSharedFirst has the shared agent answer, refuse and be gone.
func TestSharedFirst(t *testing.T) {
	ours, theirs := &esc.Environment{Name: "ours"}, &esc.Environment{Name: "theirs"}
	own := opener(func(context.Context, esc.Request) (*esc.Environment, error) { return ours, nil })
	refused := esc.Errorf(esc.Refused, "AWS said no")
	for name, tc := range map[string]struct {
		err  error
		want *esc.Environment // nil: the error
	}{
		"it answers":                 {nil, theirs},
		"it was stopped":             {fmt.Errorf("dial: %w", wire.ErrNoAgent), ours},
		"it hung up":                 {&esc.Error{Kind: esc.Unavailable, Err: wire.ErrHungUp}, ours},
		"it talks nonsense":          {&esc.Error{Kind: esc.Internal, Err: wire.ErrFrame}, ours},
		"it hangs":                   {&esc.Error{Kind: esc.Unavailable, Err: context.DeadlineExceeded}, ours},
		"it is of another build":     {esc.Errorf(esc.BuildMismatch, "no"), ours},
		"it has not the identity":    {esc.Errorf(esc.CallerIdentity, "no"), ours},
		"AWS refuses":                {refused, nil},
		"AWS does not answer it":     {esc.Errorf(esc.Unavailable, "sts does not answer"), nil},
		"the definition is wrong":    {esc.Diagnostics{{Summary: "no"}}, nil},
		"there is no definition":     {esc.Errorf(esc.NotFound, "no"), nil},
		"somebody poses as an agent": {esc.Errorf(esc.Refused, "no"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			shared := opener(func(context.Context, esc.Request) (*esc.Environment, error) { return theirs, tc.err })
			got, err := (&sharedFirst{shared, own}).Open(t.Context(), esc.Request{})
			if tc.want != nil && (got != tc.want || err != nil) || tc.want == nil && err == nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestSharedFirstLeavesTimeForItself(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	end, _ := ctx.Deadline()
	shared := opener(func(ctx context.Context, _ esc.Request) (*esc.Environment, error) {
		if theirs, ok := ctx.Deadline(); !ok || end.Sub(theirs) < 29*time.Minute {
			t.Errorf("it may take until %s of %s", theirs, end)
		}
		return nil, wire.ErrHungUp
	})
	own := opener(func(ctx context.Context, _ esc.Request) (*esc.Environment, error) {
		if ours, _ := ctx.Deadline(); ours != end {
			t.Errorf("there is time until %s, not %s", ours, end)
		}
		return &esc.Environment{}, nil
	})
	if _, err := (&sharedFirst{shared, own}).Open(ctx, esc.Request{}); err != nil {
		t.Error(err)
	}
	cancel()
	own = func(context.Context, esc.Request) (*esc.Environment, error) { t.Error("nobody waits"); return nil, nil }
	if _, err := (&sharedFirst{shared, own}).Open(ctx, esc.Request{}); !errors.Is(err, wire.ErrHungUp) {
		t.Errorf("got %v", err)
	}
}

func TestOnlyAPrivateAgentServes(t *testing.T) {
	if _, err := (&keeper{}).serveCredentials(t.Context(), wire.OpenArgs{}); err == nil {
		t.Error("a shared agent serves")
	}
}
