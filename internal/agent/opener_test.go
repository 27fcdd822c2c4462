package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
	"github.com/escenv/escenv/internal/wire"
)

// The conformance suite of esc.Opener: whatever opens environments does it
// alike, computed, remembered or asked for.
//
// An Opener under test knows two definitions. shop/dev has the variable REGION
// "eu-west-1" and the secret KEY "hunter2", both from values of those names in
// lower case. shop/bad has a mistake in line 2.

func TestFakeOpens(t *testing.T)      { conforms(t, shop{}) }
func TestEvaluatorOpens(t *testing.T) { conforms(t, evaluator()) }

func TestCacheOpens(t *testing.T) {
	for _, inner := range []esc.Opener{shop{}, evaluator()} {
		cache := &agent.Cache{Opener: inner, Now: time.Now}
		conforms(t, cache)
		conforms(t, cache) // now from memory
	}
}

func TestClientOpens(t *testing.T) {
	for _, inner := range []esc.Opener{shop{}, evaluator(), &agent.Cache{Opener: shop{}, Now: time.Now}} {
		path, _ := serve(t, serverOf(map[wire.Op]agent.Handler{wire.OpOpen: serving(inner)}))
		conforms(t, clientAt(path))
	}
}

// serving makes an operation of an Opener.
func serving(o esc.Opener) agent.Handler {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		args, err := wire.DecodeArgs[wire.OpenArgs](raw)
		if err != nil {
			return nil, err
		}
		env, err := o.Open(ctx, esc.Request(args))
		if err != nil {
			return nil, err
		}
		return wire.FromEnvironment(env)
	}
}

func conforms(t *testing.T, o esc.Opener) {
	t.Helper()
	dev, bad, none := esc.Ref{Project: "shop", Name: "dev"}, esc.Ref{Project: "shop", Name: "bad"}, esc.Ref{Project: "shop", Name: "none"}
	t.Run("variables", func(t *testing.T) { opensVariables(t, o, dev) })
	t.Run("everything", func(t *testing.T) {
		env, err := o.Open(t.Context(), esc.Request{Refs: []esc.Ref{dev}, Want: esc.WantAll})
		must(t, err)
		values, _ := env.Value.Object()
		if text(values["region"]) != "eu-west-1" || !values["key"].IsSecret() || text(values["key"]) != "hunter2" {
			t.Errorf("got %v", env.Value)
		}
	})
	t.Run("a path", func(t *testing.T) {
		env, err := o.Open(t.Context(), esc.Request{Refs: []esc.Ref{dev}, Want: esc.WantPath, Path: "key"})
		must(t, err)
		if !env.Value.IsSecret() || text(env.Value) != "hunter2" {
			t.Errorf("got %v", env.Value)
		}
	})
	t.Run("no path", func(t *testing.T) {
		_, err := o.Open(t.Context(), esc.Request{Refs: []esc.Ref{dev}, Want: esc.WantPath, Path: "nothing"})
		if err == nil {
			t.Error("opened what is not there")
		}
	})
	t.Run("mistakes", func(t *testing.T) {
		_, err := o.Open(t.Context(), esc.Request{Refs: []esc.Ref{bad}})
		var diags esc.Diagnostics
		if !errors.As(err, &diags) || diags[0].Line != 2 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nothing there", func(t *testing.T) {
		_, err := o.Open(t.Context(), esc.Request{Refs: []esc.Ref{none}})
		var e *esc.Error
		if !errors.As(err, &e) || e.Kind != esc.NotFound {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody waits", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := o.Open(ctx, esc.Request{Refs: []esc.Ref{dev}, Want: esc.WantPath, Path: "region"})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func opensVariables(t *testing.T, o esc.Opener, dev esc.Ref) {
	env, err := o.Open(t.Context(), esc.Request{Refs: []esc.Ref{dev}})
	must(t, err)
	if env.Name != "shop/dev" || len(env.Variables) != 2 {
		t.Fatalf("got %+v", env)
	}
	key, region := env.Variables[0], env.Variables[1]
	if key.Name != "KEY" || !key.Value.IsSecret() || text(key.Value) != "hunter2" {
		t.Errorf("got %v", key)
	}
	if region.Name != "REGION" || region.Value.IsSecret() || text(region.Value) != "eu-west-1" {
		t.Errorf("got %v", region)
	}
	if len(env.Secrets) != 1 || text(env.Secrets[0]) != "hunter2" {
		t.Errorf("secrets: %v", env.Secrets)
	}
}

// shop is the two definitions, opened by hand.
type shop struct{}

func (shop) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	switch req.Refs[0].Name {
	case "dev":
		return shopDev(req)
	case "bad":
		return nil, esc.Diagnostics{{Position: esc.Position{File: "shop/bad", Line: 2, Column: 3}, Summary: "odd"}}
	}
	return nil, esc.Errorf(esc.NotFound, "there is no definition %s", req.Refs[0])
}

func shopDev(req esc.Request) (*esc.Environment, error) {
	region, key := esc.New("eu-west-1"), esc.NewSecret("hunter2")
	env := &esc.Environment{Name: "shop/dev", Secrets: []esc.Value{key}}
	switch {
	case req.Want == esc.WantAll:
		env.Value = esc.New(map[string]esc.Value{"region": region, "key": key})
	case req.Want == esc.WantVariables:
		env.Variables = []esc.Variable{{Name: "KEY", Value: key}, {Name: "REGION", Value: region}}
	case req.Path == "key":
		env.Value = key
	case req.Path == "region":
		env.Value = region
	default:
		return nil, esc.Errorf(esc.NotFound, "shop/dev has no %s", req.Path)
	}
	return env, nil
}

func evaluator() esc.Opener { return &eval.Evaluator{Loader: texts{}} }

// texts is a Loader of the two definitions.
type texts struct{}

func (texts) LoadRef(_ context.Context, ref esc.Ref) (*eval.Source, error) {
	text := map[string]string{
		"dev": `values:
  region: eu-west-1
  key: {fn::secret: hunter2}
  environmentVariables: {REGION: "${region}", KEY: "${key}"}
`,
		"bad": `values:
  environmentVariables: {REGION: "${nothing}"}
`,
	}[ref.Name]
	if text == "" {
		return nil, esc.Errorf(esc.NotFound, "there is no definition %s", ref)
	}
	return &eval.Source{Name: ref.String(), Text: []byte(text)}, nil
}

func (texts) Load(context.Context, string, *eval.Source) (*eval.Source, error) {
	return nil, errors.New("nothing is imported here")
}
