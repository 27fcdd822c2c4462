package main

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"slices"
	"strings"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
	"github.com/escenv/escenv/internal/mask"
	"github.com/escenv/escenv/internal/render"
	"github.com/escenv/escenv/internal/store"
	"github.com/escenv/escenv/internal/wire"
)

// opener makes an esc.Opener of a function.
type opener func(context.Context, esc.Request) (*esc.Environment, error)

func (f opener) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	return f(ctx, req)
}

// evaluate opens environments for the cache.
func (k *keeper) evaluate(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	ctx = k.leases.Begin(ctx) // first: what an older setup opens is not for a newer one
	setup, err := k.current()
	if err != nil {
		return nil, err
	}
	return setup.evaluator.Open(ctx, req)
}

// openEnvironment opens what a caller asks for, and watches what it rests on.
func (k *keeper) openEnvironment(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	setup, err := k.current()
	if err != nil {
		return nil, err
	}
	for _, ref := range req.Refs {
		if err := checkRef(ref); err != nil {
			return nil, err
		}
		if ref.Path != "" {
			k.watchFiles(ref.Path) // also if it cannot be opened: it may be mended
		}
	}
	env, err := k.cache.Open(ctx, req)
	if err != nil {
		return nil, err
	}
	k.watchFiles(env.Sources...)
	opened := *env
	opened.AllowedNames, opened.Quiet = setup.config.Hook.Allow, setup.config.Hook.Quiet
	return &opened, nil
}

// checkRef refuses a reference that no caller of ours would send.
func checkRef(ref esc.Ref) error {
	parsed, err := esc.ParseRef(ref.String(), "/")
	if err != nil {
		return err
	}
	parsed.Digest = ref.Digest
	if parsed != ref {
		return esc.Errorf(esc.Invalid, "the reference is not as it should be")
	}
	return nil
}

func (k *keeper) open(ctx context.Context, args wire.OpenArgs) (*wire.OpenResult, error) {
	env, err := k.openEnvironment(ctx, esc.Request(args))
	if err != nil {
		return nil, err
	}
	return wire.FromEnvironment(env)
}

func (k *keeper) render(ctx context.Context, args wire.RenderArgs) (*wire.RenderResult, error) {
	if !slices.Contains(render.Formats(), args.Format) {
		return nil, render.Unknown(args.Format)
	}
	req := esc.Request{Refs: []esc.Ref{args.Ref}, Want: esc.WantAll, Path: args.Path}
	switch {
	case render.OfVariables(args.Format):
		req.Want, req.Path = esc.WantVariables, ""
	case args.Path != "":
		req.Want = esc.WantPath
	}
	env, err := k.openEnvironment(ctx, req)
	if err != nil {
		return nil, err
	}
	in := render.Input{Value: env.Value, Variables: env.Variables, Random: rand.Reader}
	if args.Format == "detailed" {
		if in.Origin, err = k.origin(ctx, args); err != nil {
			return nil, err
		}
	}
	result := &wire.RenderResult{Warnings: env.Warnings}
	for _, f := range env.Files {
		result.Files = append(result.Files, f.Name)
	}
	if args.Format == "github-env" {
		result.Secrets = maskedByGitHub(env)
	}
	result.Text, err = render.Text(in, args.Format)
	return result, err
}

// origin tells where what is opened was written.
func (k *keeper) origin(ctx context.Context, args wire.RenderArgs) (*esc.Origin, error) {
	setup, err := k.current()
	if err != nil {
		return nil, err
	}
	return setup.evaluator.Origins(ctx, args.Ref, args.Path)
}

// maskedByGitHub lists what the logs of GitHub Actions must not show: secret
// variables, which it prints before each step, and all other secrets that are
// long enough not to take innocent text with them.
func maskedByGitHub(env *esc.Environment) (secrets []string) {
	add := func(v esc.Value) {
		if text, _ := v.RevealString(); strings.TrimSpace(text) != "" && !slices.Contains(secrets, text) {
			secrets = append(secrets, text)
		}
	}
	for _, v := range env.Variables {
		if v.Value.HasSecret() {
			add(v.Value)
		}
	}
	for _, v := range env.Secrets {
		if text, _ := v.RevealString(); len(text) >= mask.Shortest {
			add(v)
		}
	}
	return secrets
}

func (k *keeper) check(ctx context.Context, args wire.CheckArgs) (*wire.CheckResult, error) {
	if err := checkRef(args.Ref); err != nil {
		return nil, err
	}
	setup, err := k.current()
	if err != nil {
		return nil, err
	}
	checked, err := setup.evaluator.Check(ctx, args.Ref)
	if err != nil {
		return nil, err
	}
	return &wire.CheckResult{
		Name: checked.Name, Variables: checked.Variables, Files: checked.Files,
		Providers: checked.Providers, Warnings: checked.Warnings,
	}, nil
}

// A loader finds definitions in the store.
type loader struct{ store *store.Files }

func (l loader) LoadRef(_ context.Context, ref esc.Ref) (*eval.Source, error) {
	found, err := l.store.Load(ref)
	if err != nil {
		return nil, err
	}
	return &eval.Source{Name: ref.String(), File: found.File, Text: found.Text}, nil
}

// Load finds an import. Files are not imported by their path: who trusts a
// definition beside the code has seen only that one.
func (l loader) Load(ctx context.Context, name string, _ *eval.Source) (*eval.Source, error) {
	ref, err := esc.ParseRef(name, string(filepath.Separator))
	switch {
	case err != nil:
		return nil, err
	case ref.Path != "":
		return nil, esc.Errorf(esc.Invalid, "%s is a file: only definitions of the store can be imported", name).
			WithHint("keep it in the store: escenv env init project/name --file %s", name)
	}
	return l.LoadRef(ctx, ref)
}
