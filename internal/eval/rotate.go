package eval

import (
	"context"
	"fmt"
	"sort"

	"github.com/escenv/escenv/internal/esc"
)

// A Rotator computes a value from a state that it can replace. It implements
// one fn::rotate.
type Rotator interface {
	// RotateOnly names the inputs that only Rotate needs. They are unknown to
	// Check and Open, and not evaluated, unless a definition is rotated.
	RotateOnly() []string
	// Check finds what is wrong with inputs and state without side effects.
	// State is null before the first rotation. Unknown values are taken to be
	// right. The Path of a Diagnostic begins with inputs or state.
	Check(inputs, state esc.Value) esc.Diagnostics
	// Open computes the value. It is not called with what Check refuses.
	Open(ctx context.Context, inputs, state esc.Value, at esc.Site) (esc.Opened, error)
	// Rotate replaces the secret and returns the state to keep from then on.
	Rotate(ctx context.Context, inputs, state esc.Value, at esc.Site) (esc.Value, error)
}

// A Rotation is what became of one fn::rotate when a definition was rotated.
type Rotation struct {
	Path      string // of the fn::rotate: "values.db.password"
	Status    RotationStatus
	StatePath string    // where State belongs in the definition; set if it succeeded
	State     esc.Value // the state to keep
}

// A RotationStatus is how a Rotation ended.
type RotationStatus string

// What becomes of a Rotation.
const (
	RotationSucceeded    RotationStatus = "succeeded"
	RotationFailed       RotationStatus = "failed"
	RotationNotEvaluated RotationStatus = "not-evaluated" // an input or the state is wrong or unknown
)

// rotate computes fn::rotate: the value of the state there is, or of the one
// that a rotation brings.
func (r *run) rotate(c *cell) (result, bool) {
	rotator := r.rotators[c.expr.provider]
	if rotator == nil {
		return r.unknownRotator(c)
	}
	r.opened[c.expr.provider] = true
	inputs, ok := r.rotatorInputs(c, rotator)
	state, ok2 := r.value(c.env.cell(c.expr.items[1]).alone())
	if !ok || !ok2 {
		return result{}, false
	}
	r.made += inputs.size + state.size
	wanted := r.isRotated(c)
	if !r.reports(c, rotator.Check(inputs.value, state.value)) || inputs.unknown || state.unknown || r.checking || r.crowded(c) {
		if wanted {
			r.rotated(c, RotationNotEvaluated, esc.Value{})
		}
		return unknownFrom(rotator), true
	}
	at := r.site(c)
	return r.await(c, func(ctx context.Context) func() result {
		t := turn{ctx: ctx, rotator: rotator, inputs: inputs.value, state: state.value, at: at}
		t.do(wanted)
		return func() result { return r.settleTurn(c, t, inputs.leases.with(state.leases)) }
	})
}

// A turn is one call of a rotator.
type turn struct {
	ctx           context.Context
	rotator       Rotator
	inputs, state esc.Value
	at            esc.Site

	rotated   bool
	rotateErr error
	opened    esc.Opened
	openErr   error
}

// do rotates if that is wanted, and opens what there is then.
func (t *turn) do(rotate bool) {
	if rotate {
		state, err := t.rotator.Rotate(t.ctx, t.inputs, t.state, t.at)
		if t.rotateErr = err; err != nil {
			return
		}
		t.state, t.rotated = state, true
	}
	t.opened, t.openErr = t.rotator.Open(t.ctx, t.inputs, t.state, t.at)
}

func (r *run) settleTurn(c *cell, t turn, inputs *leases) result {
	if t.rotateErr != nil {
		r.rotated(c, RotationFailed, esc.Value{})
		r.failed(c, "rotating "+c.expr.provider, t.rotateErr)
		return unknownResult()
	}
	if t.rotated {
		r.rotated(c, RotationSucceeded, t.state)
	}
	return r.settle(c, t.opened, t.openErr, inputs)
}

func (r *run) unknownRotator(c *cell) (result, bool) {
	if len(r.rotators) == 0 {
		r.errorAt(c, fmt.Sprintf("escenv rotates nothing yet: there is no rotator %q", clip(c.expr.provider)),
			"give its value with fn::secret, or take sessions that need no rotation with fn::open::aws-login")
		return unknownResult(), true
	}
	var names []string
	for name := range r.rotators {
		names = append(names, name)
	}
	r.errorAt(c, fmt.Sprintf("unknown rotator %q", clip(c.expr.provider)), esc.DidYouMean(c.expr.provider, names))
	return unknownResult(), true
}

// rotatorInputs computes the inputs of fn::rotate. Those that only a rotation
// needs are left out elsewhere, and in what is imported: whoever opens a
// definition may not see what it is rotated with. Checking looks at them where
// they are written.
func (r *run) rotatorInputs(c *cell, rotator Rotator) (result, bool) {
	inputs := c.expr.items[0]
	if inputs.kind != object || (r.rotating || r.checking) && c.env == r.root {
		return r.value(c.env.cell(inputs).alone())
	}
	skipped := map[string]bool{}
	for _, name := range rotator.RotateOnly() {
		skipped[name] = true
	}
	fields := make(map[string]esc.Value, len(inputs.names))
	var x result
	ready := true
	for _, name := range inputs.names {
		if skipped[name] {
			fields[name] = esc.Unknown()
			continue
		}
		field, ok := r.value(c.env.cell(inputs.fields[name]).alone())
		ready = ready && ok
		fields[name] = field.value
		x.include(field)
	}
	x.value = esc.New(fields)
	return x, ready
}

// isRotated reports whether this run is to rotate c. What is imported is
// rotated where it is at home.
func (r *run) isRotated(c *cell) bool {
	return r.rotating && c.env == r.root && (len(r.rotatePaths) == 0 || r.rotatePaths[c.expr.fullPath()])
}

func (r *run) rotated(c *cell, status RotationStatus, state esc.Value) {
	rotation := Rotation{Path: c.expr.fullPath(), Status: status}
	if status == RotationSucceeded {
		rotation.StatePath = c.expr.items[0].parent.fullPath() + ".state"
		rotation.State = state
	}
	r.rotations = append(r.rotations, rotation)
	sort.Slice(r.rotations, func(i, j int) bool { return r.rotations[i].Path < r.rotations[j].Path })
}
