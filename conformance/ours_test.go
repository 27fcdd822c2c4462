package conformance

import (
	"context"
	"errors"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

// askOurs has escenv's evaluator answer, with providers that do what those of
// upstream's suite do.
func askOurs(ctx context.Context, q question) (answer, error) {
	e := &eval.Evaluator{Loader: ourLoader(q), Providers: ourProviders()}
	var value esc.Value
	var diags esc.Diagnostics
	if q.Check {
		checked, err := e.Check(ctx, esc.Ref{Project: "p", Name: q.Root})
		if !errors.As(err, &diags) && err != nil {
			return answer{}, err
		}
		if err == nil {
			diags = checked.Warnings
		}
	} else {
		env, err := e.Open(ctx, esc.Request{Refs: []esc.Ref{{Project: "p", Name: q.Root}}, Want: esc.WantAll})
		if !errors.As(err, &diags) && err != nil {
			return answer{}, err
		}
		if err == nil {
			value, diags = env.Value, env.Warnings
		}
	}
	return plain(answer{Revealed: revealed(value), Redacted: redacted(value), Findings: fromOurs(diags)})
}

func fromOurs(diags esc.Diagnostics) []finding {
	var out []finding
	for _, d := range diags {
		out = append(out, finding{
			File: d.File, Line: d.Line, Column: d.Column, EndLine: d.End.Line, End: d.End.Column,
			Path: d.Path, Summary: d.Summary, Warning: d.Warning,
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

func ourProviders() map[string]esc.Provider {
	same := func(inputs esc.Value) (esc.Value, error) { return inputs, nil }
	return map[string]esc.Provider{
		"test":           ourProvider(same),
		"schema":         ourProvider(same),
		"secret-wrapper": ourProvider(func(inputs esc.Value) (esc.Value, error) { return inputs.AsSecret(), nil }),
		"error": ourProvider(func(inputs esc.Value) (esc.Value, error) {
			fields, _ := inputs.Object()
			why, _ := fields["why"].RevealString()
			return esc.Value{}, errors.New(why)
		}),
	}
}

// An ourProvider makes an answer of its inputs.
type ourProvider func(inputs esc.Value) (esc.Value, error)

func (ourProvider) Check(esc.Value) esc.Diagnostics { return nil }

func (p ourProvider) Open(_ context.Context, inputs esc.Value, _ esc.Site) (esc.Opened, error) {
	value, err := p(inputs)
	return esc.Opened{Value: value}, err
}
