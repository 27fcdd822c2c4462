package main

import (
	"context"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
	"github.com/escenv/escenv/internal/store"
	"github.com/escenv/escenv/internal/wire"
)

func (k *keeper) envList(context.Context, none) (*wire.EnvListResult, error) {
	refs, err := k.store.List()
	if err != nil {
		return nil, err
	}
	return &wire.EnvListResult{Refs: refs, Dir: k.store.Dir}, nil
}

// load reads the definition a caller names.
func (k *keeper) load(ref esc.Ref) (store.Definition, error) {
	if err := checkRef(ref); err != nil {
		return store.Definition{}, err
	}
	return k.store.Load(ref)
}

func (k *keeper) envRead(_ context.Context, args wire.EnvReadArgs) (*wire.EnvReadResult, error) {
	found, err := k.load(args.Ref)
	if err != nil {
		return nil, err
	}
	return &wire.EnvReadResult{Text: found.Text, Revision: found.Revision, File: found.File}, nil
}

func (k *keeper) envGet(_ context.Context, args wire.EnvGetArgs) (*wire.EnvGetResult, error) {
	found, err := k.load(args.Ref)
	if err != nil {
		return nil, err
	}
	text, err := eval.GetValue(found.Text, args.Path, args.Reveal)
	return &wire.EnvGetResult{Text: text}, err
}

// envWrite writes what a person wrote, if nothing in it is wrong.
func (k *keeper) envWrite(ctx context.Context, args wire.EnvWriteArgs) (*wire.EnvWriteResult, error) {
	if err := checkRef(args.Ref); err != nil {
		return nil, err
	}
	setup, err := k.current()
	if err != nil {
		return nil, err
	}
	evaluator := *setup.evaluator
	evaluator.Loader = draft{loader{k.store}, args.Ref, args.Text}
	checked, err := evaluator.Check(ctx, args.Ref)
	if err != nil {
		return nil, err
	}
	result, err := k.write(args.Ref, store.Change{Text: args.Text, Base: args.Base, Create: args.Create})
	if err != nil {
		return nil, err
	}
	result.Warnings = checked.Warnings // of what it imports, too
	return result, nil
}

// A draft is the store as it would be with another text for one definition.
type draft struct {
	loader
	ref  esc.Ref
	text []byte
}

func (d draft) LoadRef(ctx context.Context, ref esc.Ref) (*eval.Source, error) {
	if ref != d.ref {
		return d.loader.LoadRef(ctx, ref)
	}
	return &eval.Source{Name: ref.String(), Text: d.text}, nil
}

// envSet edits the text as it is now, and does not write over what somebody
// else wrote meanwhile.
func (k *keeper) envSet(_ context.Context, args wire.EnvSetArgs) (*wire.EnvWriteResult, error) {
	found, err := k.load(args.Ref)
	if err != nil {
		return nil, err
	}
	var text []byte
	if args.Remove {
		text, err = eval.RemoveValue(found.Text, args.Path)
	} else {
		text, err = eval.SetValue(found.Text, args.Path, args.Value, eval.SetOptions{Secret: args.Secret, String: args.String})
	}
	if err != nil {
		return nil, err
	}
	return k.write(args.Ref, store.Change{Text: text, Base: found.Revision})
}

// write changes a definition, unless it could not be loaded any more.
func (k *keeper) write(ref esc.Ref, change store.Change) (*wire.EnvWriteResult, error) {
	diags := eval.Lint(&eval.Source{Name: ref.String(), Text: change.Text})
	if err := diags.Err(); err != nil {
		return nil, err
	}
	written, err := k.store.Write(ref, change)
	if err != nil {
		return nil, err
	}
	k.changed(written.File)
	return &wire.EnvWriteResult{Revision: written.Revision, File: written.File, Warnings: diags}, nil
}

func (k *keeper) envRemove(_ context.Context, args wire.EnvRemoveArgs) (none, error) {
	found, err := k.load(args.Ref)
	if err != nil {
		return none{}, err
	}
	if err := k.store.Remove(args.Ref); err != nil {
		return none{}, err
	}
	k.changed(found.File)
	return none{}, nil
}
