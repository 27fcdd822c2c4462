package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	upstream "github.com/pulumi/esc/schema"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
	"github.com/escenv/escenv/internal/schema"
)

// askOurs has escenv's evaluator answer, with providers that do what those of
// upstream's suite do.
func askOurs(ctx context.Context, q question) (answer, error) {
	user := esc.New(map[string]esc.Value{"id": esc.New(userID)})
	e := &eval.Evaluator{
		Loader: ourLoader(q), Providers: ourProviders(), Decrypter: ourTurned{},
		Rotators: map[string]eval.Rotator{"swap": ourSwap{}, "echo": ourEcho{}},
		Context:  map[string]esc.Value{"pulumi": esc.New(map[string]esc.Value{"user": user})},
	}
	options := eval.Options{Check: q.Check, ShowSecrets: q.ShowSecrets, Rotate: q.Rotate, RotatePaths: q.RotatePaths}
	got, err := e.Evaluate(ctx, esc.Ref{Project: "p", Name: "root"}, options)
	if err != nil {
		return answer{}, err
	}
	patches := map[string]any{}
	for _, rotation := range got.Rotations {
		if rotation.Status == eval.RotationSucceeded {
			patches[rotation.StatePath] = revealed(rotation.State)
		}
	}
	return plain(answer{Revealed: revealed(got.Value), Redacted: redacted(got.Value), Findings: fromOurs(got.Diagnostics), Patches: patches})
}

func fromOurs(diags esc.Diagnostics) []finding {
	var out []finding
	for _, d := range diags {
		out = append(out, finding{
			File: d.File, Line: d.Line, Column: d.Column, EndLine: d.End.Line, End: d.End.Column,
			Path: d.Path, Summary: d.Summary, Hint: d.Hint, Warning: d.Warning,
		})
	}
	return sorted(out)
}

// revealed writes a value as upstream's suite does.
func revealed(v esc.Value) any {
	if v.IsUnknown() {
		return "[unknown]"
	}
	return contents(v, revealed)
}

// redacted is revealed with what is secret replaced.
func redacted(v esc.Value) any {
	switch {
	case v.IsSecret():
		return "[secret]"
	case v.IsUnknown():
		return "[unknown]"
	}
	return contents(v, redacted)
}

func contents(v esc.Value, each func(esc.Value) any) any {
	switch raw := v.Reveal().(type) {
	case []esc.Value:
		list := make([]any, len(raw))
		for i, e := range raw {
			list[i] = each(e)
		}
		return list
	case map[string]esc.Value:
		object := make(map[string]any, len(raw))
		for name, e := range raw {
			object[name] = each(e)
		}
		return object
	default:
		return raw
	}
}

// ourLoader finds the definitions of a question by the names they have there.
type ourLoader question

func (l ourLoader) LoadRef(context.Context, esc.Ref) (*eval.Source, error) {
	return &eval.Source{Name: l.Root, Text: []byte(l.Text)}, nil
}

func (l ourLoader) Load(_ context.Context, name string, _ *eval.Source) (*eval.Source, error) {
	text, ok := l.Texts[name]
	if !ok {
		return nil, esc.Errorf(esc.NotFound, "there is no definition %s", name)
	}
	return &eval.Source{Name: name, Text: []byte(text)}, nil
}

type ourTurned struct{}

func (ourTurned) Decrypt(_ context.Context, sealed []byte, _ *eval.Source) ([]byte, error) {
	return turn(sealed), nil
}

func ourProviders() map[string]esc.Provider {
	same := func(inputs esc.Value) (esc.Value, error) { // upstream's get the properties alone
		if fields, ok := inputs.Object(); ok {
			return esc.New(fields), nil
		}
		return inputs, nil
	}
	return map[string]esc.Provider{
		"bench":          slow{},
		"test":           ourProvider{open: same},
		"schema":         ourProvider{inputs: manyRules(), outputs: manyRules(), open: same},
		"secret-wrapper": ourProvider{open: func(inputs esc.Value) (esc.Value, error) { return inputs.AsSecret(), nil }},
		"error": ourProvider{
			inputs: upstream.Record(upstream.BuilderMap{"why": upstream.String()}).Schema(),
			open: func(inputs esc.Value) (esc.Value, error) {
				return esc.Value{}, errors.New(text(inputs, "why"))
			},
		},
	}
}

// text returns a string of an object.
func text(object esc.Value, name string) string {
	fields, _ := object.Object()
	text, _ := fields[name].RevealString()
	return text
}

// An ourProvider makes an answer of its inputs, if they are as they should be.
type ourProvider struct {
	inputs, outputs *upstream.Schema // nil for anything
	open            func(inputs esc.Value) (esc.Value, error)
}

// Outputs implements eval.Describer.
func (p ourProvider) Outputs() *schema.Schema {
	if p.outputs == nil {
		return nil
	}
	return asOurs(p.outputs)
}

func (p ourProvider) Check(inputs esc.Value) esc.Diagnostics { return misfits(p.inputs, inputs, "") }

func (p ourProvider) Open(_ context.Context, inputs esc.Value, _ esc.Site) (esc.Opened, error) {
	value, err := p.open(inputs)
	return esc.Opened{Value: value}, err
}

// misfits says what escenv's schemas find wrong with a value by upstream's.
// below is the path of the value.
func misfits(rules *upstream.Schema, v esc.Value, below string) esc.Diagnostics {
	if rules == nil {
		return nil
	}
	found := asOurs(rules).Check(v, &schema.Meter{})
	for i := range found {
		if below != "" {
			found[i].Path = strings.TrimSuffix(below+"."+found[i].Path, ".")
		}
	}
	return found
}

// asOurs is a schema of upstream's as escenv reads it.
func asOurs(rules *upstream.Schema) *schema.Schema {
	written, err := json.Marshal(rules)
	if err != nil {
		panic(err)
	}
	var raw any
	if err := decode(written, &raw); err != nil {
		panic(err)
	}
	ours, wrong := schema.Parse(asValue(raw))
	if wrong.Err() != nil {
		panic(wrong)
	}
	return ours
}

// asValue is plain JSON as a value.
func asValue(raw any) esc.Value {
	switch raw := raw.(type) {
	case []any:
		list := make([]esc.Value, len(raw))
		for i, e := range raw {
			list[i] = asValue(e)
		}
		return esc.New(list)
	case map[string]any:
		object := make(map[string]esc.Value, len(raw))
		for name, e := range raw {
			object[name] = asValue(e)
		}
		return esc.New(object)
	default:
		return esc.New(raw)
	}
}

// openOurs opens and no more, for benchmarks.
func openOurs(ctx context.Context, q question) error { return openWith(ctx, q, ourLoader(q)) }

func openWith(ctx context.Context, q question, loader eval.Loader) error {
	e := &eval.Evaluator{Loader: loader, Providers: ourProviders(), Decrypter: ourTurned{}}
	_, err := e.Open(ctx, esc.Request{Refs: []esc.Ref{{Project: "p", Name: "root"}}, Want: esc.WantAll})
	return err
}
