package eval_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
	"github.com/escenv/escenv/internal/schema"
)

// definitions is a Loader: texts by name. It counts loads, and while barrier
// is set holds every load back until so many are under way at once.
type definitions struct {
	texts   map[string]string
	barrier *barrier

	mu    sync.Mutex
	loads map[string]int
}

func (d *definitions) LoadRef(_ context.Context, ref esc.Ref) (*eval.Source, error) {
	return d.get(ref.String())
}

func (d *definitions) Load(ctx context.Context, name string, from *eval.Source) (*eval.Source, error) {
	if !strings.Contains(name, "/") {
		project, _, _ := strings.Cut(from.Name, "/")
		name = project + "/" + name
	}
	if d.barrier != nil {
		if err := d.barrier.wait(ctx); err != nil {
			return nil, err
		}
	}
	return d.get(name)
}

func (d *definitions) get(name string) (*eval.Source, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.loads == nil {
		d.loads = map[string]int{}
	}
	d.loads[name]++
	text, ok := d.texts[name]
	if !ok {
		return nil, esc.Errorf(esc.NotFound, "there is no definition %s", name)
	}
	return &eval.Source{Name: name, Text: []byte(text)}, nil
}

// A barrier lets nobody through before n have come.
type barrier struct {
	mu   sync.Mutex
	left int
	open chan struct{}
}

func newBarrier(n int) *barrier { return &barrier{left: n, open: make(chan struct{})} }

func (b *barrier) wait(ctx context.Context) error {
	b.mu.Lock()
	if b.left--; b.left == 0 {
		close(b.open)
	}
	b.mu.Unlock()
	select {
	case <-b.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(10 * time.Second):
		return errors.New("nobody else came")
	}
}

// echo is a provider that gives back its inputs, and counts.
type echo struct {
	barrier *barrier
	called  func() // when a call has come
	mu      sync.Mutex
	opened  []string
}

func (e *echo) Check(esc.Value) esc.Diagnostics { return nil }

func (e *echo) Open(ctx context.Context, inputs esc.Value, at esc.Site) (esc.Opened, error) {
	e.mu.Lock()
	e.opened = append(e.opened, at.Current+" in "+at.Root)
	e.mu.Unlock()
	if e.called != nil {
		e.called()
	}
	if e.barrier != nil {
		if err := e.barrier.wait(ctx); err != nil {
			return esc.Opened{}, err
		}
	}
	return esc.Opened{Value: inputs}, nil
}

// login is a provider with rules: user is a string, and nothing else may be
// there but minutes. The user "refused" is.
type login struct{ now time.Time }

func (l login) Check(inputs esc.Value) esc.Diagnostics {
	var diags esc.Diagnostics
	fields, _ := inputs.Object()
	for _, name := range inputs.Keys() {
		if name != "user" && name != "minutes" {
			diags = append(diags, esc.Diagnostic{Path: name, Summary: fmt.Sprintf("unknown input %q", name)})
		}
	}
	if user, ok := fields["user"]; !ok {
		diags = append(diags, esc.Diagnostic{Summary: "user is missing"})
	} else if user.Kind() != "string" && !user.IsUnknown() {
		diags = append(diags, esc.Diagnostic{Path: "user", Summary: "user must be a string"})
	}
	return diags
}

// Outputs describes user, token and places, a list of objects with a name.
func (login) Outputs() *schema.Schema {
	text := func(s string) esc.Value { return esc.New(s) }
	object := func(fields map[string]esc.Value) esc.Value { return esc.New(fields) }
	kind := func(s string) esc.Value { return object(map[string]esc.Value{"type": text(s)}) }
	place := object(map[string]esc.Value{"type": text("object"), "properties": object(map[string]esc.Value{"name": kind("string")})})
	s, _ := schema.Parse(object(map[string]esc.Value{
		"type": text("object"), "additionalProperties": esc.New(false),
		"properties": object(map[string]esc.Value{
			"user": kind("string"), "token": kind("string"),
			"places": object(map[string]esc.Value{"type": text("array"), "items": place}),
		}),
	}))
	return s
}

func (l login) Open(_ context.Context, inputs esc.Value, _ esc.Site) (esc.Opened, error) {
	fields, _ := inputs.Object()
	user, _ := fields["user"].RevealString()
	switch user {
	case "refused":
		return esc.Opened{}, esc.Errorf(esc.Refused, "the door stays shut").WithHint("escenv status")
	case "elsewhere":
		return esc.Opened{}, esc.Errorf(esc.CallerIdentity, "the key is in your pocket")
	}
	minutes := time.Hour
	if text, ok := fields["minutes"]; ok {
		n, _ := text.RevealString()
		minutes, _ = time.ParseDuration(n + "m")
	}
	return esc.Opened{
		Value: esc.New(map[string]esc.Value{
			"user":  esc.New(user),
			"token": esc.NewSecret("token-of-" + user),
		}),
		Expires: l.now.Add(minutes), Renew: l.now.Add(minutes / 2),
	}, nil
}

// counter is a rotator: its state is a count, to which a rotation adds step.
// admin is what only a rotation needs.
type counter struct{}

func (counter) RotateOnly() []string { return []string{"admin"} }

func (counter) Check(inputs, state esc.Value) esc.Diagnostics {
	var diags esc.Diagnostics
	fields, _ := inputs.Object()
	if step := fields["step"]; step.Kind() != "number" && !step.IsUnknown() {
		diags = append(diags, esc.Diagnostic{Path: "inputs.step", Summary: "step must be a number"})
	}
	if count := counted(state); count.Kind() != "number" && !count.IsUnknown() && !state.IsNull() {
		diags = append(diags, esc.Diagnostic{Path: "state.count", Summary: "count must be a number"})
	}
	return diags
}

func counted(state esc.Value) esc.Value {
	fields, _ := state.Object()
	return fields["count"]
}

func (counter) Open(_ context.Context, inputs, state esc.Value, _ esc.Site) (esc.Opened, error) {
	return esc.Opened{Value: esc.New(map[string]esc.Value{"count": counted(state)})}, nil
}

func (counter) Rotate(_ context.Context, inputs, state esc.Value, _ esc.Site) (esc.Value, error) {
	fields, _ := inputs.Object()
	if admin, _ := fields["admin"].RevealString(); admin == "" {
		return esc.Value{}, errors.New("nobody may rotate this")
	}
	was, _ := counted(state).RevealString()
	step, _ := fields["step"].RevealString()
	n, _ := strconv.Atoi(was)
	more, _ := strconv.Atoi(step)
	return esc.New(map[string]esc.Value{"count": esc.New(json.Number(strconv.Itoa(n + more)))}), nil
}

// key opens ciphertext: each byte has 128 added. It does not open what begins
// with !.
type key struct{}

func (key) Decrypt(_ context.Context, ciphertext []byte, in *eval.Source) ([]byte, error) {
	if in.Name == "" || ciphertext[0] == '!' {
		return nil, esc.Errorf(esc.Refused, "the key does not fit")
	}
	plain := make([]byte, len(ciphertext))
	for i, b := range ciphertext {
		plain[i] = b - 128
	}
	return plain, nil
}
