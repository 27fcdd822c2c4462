package conformance

import (
	"context"
	"errors"

	upstream "github.com/pulumi/esc/schema"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/schema"
)

// ourSwap is upstreamSwap for escenv.
type ourSwap struct{}

// Outputs implements eval.Describer.
func (ourSwap) Outputs() *schema.Schema {
	_, _, outputs := upstreamSwap{}.Schema()
	return asOurs(outputs)
}

func (ourSwap) RotateOnly() []string { return nil }

func (ourSwap) Check(_, state esc.Value) esc.Diagnostics {
	_, rules, _ := upstreamSwap{}.Schema()
	return wrongState(rules, state)
}

func (ourSwap) Open(_ context.Context, _, state esc.Value, _ esc.Site) (esc.Opened, error) {
	return esc.Opened{Value: orEmpty(state)}, nil
}

func (ourSwap) Rotate(_ context.Context, _, state esc.Value, _ esc.Site) (esc.Value, error) {
	fields, _ := state.Object()
	return esc.New(map[string]esc.Value{"a": fields["b"], "b": fields["a"]}), nil
}

// ourEcho is upstreamEcho for escenv.
type ourEcho struct{}

// Outputs implements eval.Describer.
func (ourEcho) Outputs() *schema.Schema {
	_, _, outputs := upstreamEcho{}.Schema()
	return asOurs(outputs)
}

func (ourEcho) RotateOnly() []string { return []string{"next"} }

func (ourEcho) Check(inputs, state esc.Value) esc.Diagnostics {
	accepts, rules, _ := upstreamEcho{}.Schema()
	return append(misfits(accepts, inputs, "inputs"), wrongState(rules, state)...)
}

func (ourEcho) Open(_ context.Context, inputs, state esc.Value, _ esc.Site) (esc.Opened, error) {
	fields, _ := inputs.Object()
	if next := fields["next"]; !next.IsUnknown() && text(inputs, "next") != text(state, "current") {
		return esc.Opened{}, errors.New("next was looked at")
	}
	return esc.Opened{Value: orEmpty(state)}, nil
}

func (ourEcho) Rotate(_ context.Context, inputs, state esc.Value, _ esc.Site) (esc.Value, error) {
	fields, _ := inputs.Object()
	kept, _ := state.Object()
	if fields["next"].IsUnknown() {
		return esc.Value{}, errors.New("next was not looked at")
	}
	return esc.New(map[string]esc.Value{"current": fields["next"], "previous": kept["current"]}), nil
}

// orEmpty is the state there is: nothing before the first rotation.
func orEmpty(state esc.Value) esc.Value {
	if state.IsNull() {
		return esc.New(map[string]esc.Value{})
	}
	return state
}

// wrongState says what is wrong with a state, which may be null.
func wrongState(rules *upstream.Schema, state esc.Value) esc.Diagnostics {
	return misfits(upstream.OneOf(rules, upstream.Null()), state, "state")
}
