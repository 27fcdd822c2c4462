package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	reference "github.com/pulumi/esc"
	"github.com/pulumi/esc/eval"
	"github.com/pulumi/esc/schema"
	"github.com/pulumi/esc/syntax"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// askReference has upstream's evaluator answer, with the providers that its
// suite has.
func askReference(ctx context.Context, q question) (answer, error) {
	definition, findings, err := eval.LoadYAMLBytes(q.Root, []byte(q.Text))
	if err != nil {
		return answer{}, err
	}
	outside, err := reference.NewExecContext(map[string]reference.Value{"pulumi": reference.NewValue(map[string]reference.Value{
		"user": reference.NewValue(map[string]reference.Value{"id": reference.NewValue(userID)}),
	})})
	if err != nil {
		return answer{}, err
	}
	var env *reference.Environment
	var rotated eval.RotationResult
	var more syntax.Diagnostics
	loader := upstreamLoader(q.Texts)
	switch {
	case q.Check:
		env, more = eval.CheckEnvironment(ctx, q.Root, definition, turned{}, upstreamCatalog{}, loader, outside, q.ShowSecrets)
	case q.Rotate:
		env, rotated, more = eval.RotateEnvironment(ctx, q.Root, definition, turned{}, upstreamCatalog{}, loader, outside, propertyPaths(q.RotatePaths))
	default:
		env, more = eval.EvalEnvironment(ctx, q.Root, definition, turned{}, upstreamCatalog{}, loader, outside)
	}
	out := answer{None: env == nil, Findings: fromUpstream(append(findings, more...)), Patches: map[string]any{}}
	for _, patch := range rotated.Patches() {
		out.Patches[patch.DocPath] = patch.Replacement.ToJSON(false)
	}
	if env != nil {
		values := reference.NewValue(env.Properties)
		out.Revealed, out.Redacted = values.ToJSON(false), values.ToJSON(true)
	}
	return plain(out)
}

// plain takes an answer through JSON, as the child process does.
func plain(a answer) (out answer, err error) {
	text, err := json.Marshal(a)
	if err != nil {
		return answer{}, err
	}
	return out, decode(text, &out)
}

func propertyPaths(texts []string) []resource.PropertyPath {
	var paths []resource.PropertyPath
	for _, text := range texts {
		path, err := resource.ParsePropertyPath(text)
		if err != nil {
			panic(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func fromUpstream(diags syntax.Diagnostics) []finding {
	var out []finding
	for _, d := range diags {
		f := finding{Path: d.Path, Summary: d.Summary, Warning: d.Severity > 1}
		if at := d.Subject; at != nil {
			f.File, f.Line, f.Column, f.EndLine, f.End = at.Filename, at.Start.Line, at.Start.Column, at.End.Line, at.End.Column
		}
		out = append(out, f)
	}
	return sorted(out)
}

// userID is what ${context.pulumi.user.id} is in upstream's suite.
const userID = "USER_123"

type upstreamLoader map[string]string

func (l upstreamLoader) LoadEnvironment(_ context.Context, name string) ([]byte, eval.Decrypter, error) {
	text, ok := l[name]
	if !ok {
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	return []byte(text), turned{}, nil
}

// turned is the suite's encryption: each byte is half a turn away.
type turned struct{}

func (turned) Decrypt(_ context.Context, sealed []byte) ([]byte, error) { return turn(sealed), nil }

func turn(text []byte) []byte {
	out := make([]byte, len(text))
	for i, b := range text {
		out[i] = b + 128
	}
	return out
}

// upstreamCatalog has the providers and rotators of the suite.
type upstreamCatalog struct{ delay time.Duration }

func (c upstreamCatalog) LoadProvider(_ context.Context, name string) (reference.Provider, error) {
	anything := upstreamProvider{inputs: schema.Always(), outputs: schema.Always()}
	switch name {
	case "test":
		return anything, nil
	case "error":
		anything.inputs = schema.Record(schema.BuilderMap{"why": schema.String()}).Schema()
		anything.answer = func(inputs map[string]reference.Value) (reference.Value, error) {
			why, _ := inputs["why"].Value.(string)
			return reference.Value{}, errors.New(why)
		}
	case "secret-wrapper":
		anything.answer = func(inputs map[string]reference.Value) (reference.Value, error) {
			return reference.Value{Value: inputs, Secret: true}, nil
		}
	case "bench":
		anything.answer = func(map[string]reference.Value) (reference.Value, error) {
			time.Sleep(c.delay)
			return reference.NewValue(c.delay.String()), nil
		}
	case "schema":
		anything.inputs = manyRules()
		anything.outputs = anything.inputs
	default:
		return nil, fmt.Errorf("unknown provider %q", name)
	}
	return anything, nil
}

func (upstreamCatalog) LoadRotator(_ context.Context, name string) (reference.Rotator, error) {
	switch name {
	case "swap":
		return upstreamSwap{}, nil
	case "echo":
		return upstreamEcho{}, nil
	}
	return nil, fmt.Errorf("unknown rotator %q", name)
}

// An upstreamProvider gives its inputs back unless it has another answer.
type upstreamProvider struct {
	inputs, outputs *schema.Schema
	answer          func(inputs map[string]reference.Value) (reference.Value, error)
}

func (p upstreamProvider) Schema() (inputs, outputs *schema.Schema) { return p.inputs, p.outputs }

func (p upstreamProvider) Open(_ context.Context, inputs map[string]reference.Value, _ reference.EnvExecContext) (reference.Value, error) {
	if p.answer != nil {
		return p.answer(inputs)
	}
	return reference.NewValue(inputs), nil
}

// upstreamSwap is a rotator whose state has two strings, which change places.
type upstreamSwap struct{}

func (upstreamSwap) Schema() (inputs, state, outputs *schema.Schema) {
	pair := func() *schema.Schema {
		return schema.Record(schema.BuilderMap{"a": schema.String(), "b": schema.String()}).Schema()
	}
	return schema.Always(), pair(), pair()
}

func (upstreamSwap) Open(_ context.Context, _, state map[string]reference.Value, _ reference.EnvExecContext) (reference.Value, error) {
	return reference.NewValue(state), nil
}

func (upstreamSwap) Rotate(_ context.Context, _, state map[string]reference.Value, _ reference.EnvExecContext) (reference.Value, error) {
	return reference.NewValue(map[string]reference.Value{"a": state["b"], "b": state["a"]}), nil
}

// upstreamEcho is a rotator whose state becomes what its input next is, which
// only a rotation may look at.
type upstreamEcho struct{}

func (upstreamEcho) Schema() (inputs, state, outputs *schema.Schema) {
	kept := func() *schema.Schema {
		return schema.Object().Properties(schema.BuilderMap{"current": schema.String(), "previous": schema.String()}).Required("current").Schema()
	}
	return schema.Record(schema.BuilderMap{"next": schema.String()}).RotateOnly("next").Schema(), kept(), kept()
}

func (upstreamEcho) Open(_ context.Context, inputs, state map[string]reference.Value, _ reference.EnvExecContext) (reference.Value, error) {
	if next := inputs["next"]; !next.Unknown && next.Value != state["current"].Value {
		return reference.Value{}, errors.New("next was looked at")
	}
	return reference.NewValue(state), nil
}

func (upstreamEcho) Rotate(_ context.Context, inputs, state map[string]reference.Value, _ reference.EnvExecContext) (reference.Value, error) {
	if inputs["next"].Unknown {
		return reference.Value{}, errors.New("next was not looked at")
	}
	return reference.NewValue(map[string]reference.Value{"current": inputs["next"], "previous": state["current"]}), nil
}

// manyRules is the schema of the suite's provider "schema": a property for
// each rule there is.
func manyRules() *schema.Schema {
	one := json.Number("1")
	return schema.Object().
		Defs(schema.BuilderMap{"defRecord": schema.Record(schema.BuilderMap{"baz": schema.String().Const("qux")})}).
		Properties(schema.BuilderMap{
			"null": schema.Null(), "boolean": schema.Boolean(), "number": schema.Number(), "string": schema.String(),
			"false": schema.Boolean().Const(false), "true": schema.Boolean().Const(true),
			"pi": schema.Number().Const("3.14"), "hello": schema.String().Const("hello"),
			"array": schema.Array().Items(schema.Always()), "map": schema.Object().AdditionalProperties(schema.Always()),
			"tuple":        schema.Tuple(schema.String().Const("hello"), schema.String().Const("world")),
			"double":       schema.Tuple(schema.String(), schema.Number()),
			"triple":       schema.Tuple(schema.String(), schema.Number(), schema.Boolean()),
			"record":       schema.Record(schema.BuilderMap{"foo": schema.String()}),
			"anyOf":        schema.AnyOf(schema.String(), schema.Number()),
			"oneOf":        schema.OneOf(schema.String(), schema.Number()),
			"ref":          schema.Ref("#/$defs/defRecord"),
			"const-array":  &schema.Schema{Type: "array", Const: []any{"hello", json.Number("42")}},
			"const-object": &schema.Schema{Type: "object", Const: map[string]any{"hello": "world"}},
			"enum":         schema.String().Enum("foo", "bar"),
			"never":        schema.Never(), "always": schema.Always(),
			"dependentReq": schema.Object().Properties(schema.BuilderMap{"foo": schema.String(), "bar": schema.Number()}).
				DependentRequired(map[string][]string{"foo": {"bar"}}),
			"multiple": schema.Number().MultipleOf("2"),
			"minimum":  schema.Number().Minimum(one), "exclusiveMinimum": schema.Number().ExclusiveMinimum(one),
			"maximum": schema.Number().Maximum(one), "exclusiveMaximum": schema.Number().ExclusiveMaximum(one),
			"minLength": schema.String().MinLength(1), "maxLength": schema.String().MaxLength(1),
			"pattern":  schema.String().Pattern(`^foo[0-9]+$`),
			"minItems": schema.Array().MinItems(3), "maxItems": schema.Array().MaxItems(2),
			"minProperties": schema.Object().MinProperties(1), "maxProperties": schema.Object().MaxProperties(1),
		}).Schema()
}

// openReference opens and no more, for benchmarks.
func openReference(ctx context.Context, q question) error {
	return openReferenceWith(ctx, q, upstreamCatalog{}, upstreamLoader(q.Texts))
}

func openReferenceWith(ctx context.Context, q question, catalog eval.ProviderLoader, loader eval.EnvironmentLoader) error {
	definition, diags, err := eval.LoadYAMLBytes(q.Root, []byte(q.Text))
	if err != nil {
		return err
	}
	outside, err := reference.NewExecContext(map[string]reference.Value{})
	if err != nil {
		return err
	}
	_, more := eval.EvalEnvironment(ctx, q.Root, definition, turned{}, catalog, loader, outside)
	if diags.Extend(more...); len(diags) > 0 {
		return diags
	}
	return nil
}
