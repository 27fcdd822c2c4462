package wire

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// FromEnvironment puts an opened environment on the wire, values in the clear.
// JSON holds Unicode only; a value that is anything else is refused rather than
// changed.
func FromEnvironment(env *esc.Environment) (*OpenResult, error) {
	result := &OpenResult{
		Name: env.Name, Variables: make([]Variable, len(env.Variables)), Secrets: make([]string, len(env.Secrets)),
		Expires: env.Expires, Renew: env.Renew, Sources: env.Sources, Allow: env.AllowedNames, Quiet: env.Quiet,
		Warnings: env.Warnings,
	}
	for i, v := range env.Variables {
		text, ok := v.Value.RevealString()
		if !ok || !utf8.ValidString(text) {
			return nil, notText("environment variable " + v.Name)
		}
		result.Variables[i] = Variable{Name: v.Name, Value: text, Secret: v.Value.HasSecret(), Leases: v.Leases}
	}
	for _, f := range env.Files {
		text, ok := f.Content.RevealString()
		if !ok || !utf8.ValidString(text) {
			return nil, notText("file " + f.Name)
		}
		result.Files = append(result.Files, File{Name: f.Name, Content: text, Secret: f.Content.HasSecret(), Leases: f.Leases})
	}
	for _, l := range env.Leases {
		result.Leases = append(result.Leases, Lease{l.Name, l.Expires, l.Renew})
	}
	for i, v := range env.Secrets {
		text, ok := v.RevealString()
		if !ok || !utf8.ValidString(text) {
			return nil, notText("a secret")
		}
		result.Secrets[i] = text
	}
	return result, result.setValue(env.Value)
}

func notText(what string) error {
	return esc.Errorf(esc.Invalid, "%s does not hold Unicode text", what).
		WithHint("encode it with fn::toBase64")
}

func (r *OpenResult) setValue(v esc.Value) error {
	if v.IsNull() {
		return nil
	}
	tree, err := fromValue(v)
	if err != nil {
		return err
	}
	r.Value, err = json.Marshal(tree)
	return err
}

// Environment takes an opened environment off the wire.
func (r *OpenResult) Environment() (*esc.Environment, error) {
	env := &esc.Environment{
		Name: r.Name, Variables: make([]esc.Variable, len(r.Variables)), Secrets: make([]esc.Value, len(r.Secrets)),
		Expires: r.Expires, Renew: r.Renew, Sources: r.Sources, AllowedNames: r.Allow, Quiet: r.Quiet,
		Warnings: r.Warnings,
	}
	for i, v := range r.Variables {
		env.Variables[i] = esc.Variable{Name: v.Name, Value: sealed(v.Value, v.Secret), Leases: v.Leases}
	}
	for _, f := range r.Files {
		env.Files = append(env.Files, esc.File{Name: f.Name, Content: sealed(f.Content, f.Secret), Leases: f.Leases})
	}
	for _, l := range r.Leases {
		env.Leases = append(env.Leases, esc.Lease{Name: l.Name, Expires: l.Expires, Renew: l.Renew})
	}
	for i, text := range r.Secrets {
		env.Secrets[i] = esc.NewSecret(text)
	}
	if len(r.Value) == 0 {
		return env, nil
	}
	var tree value
	if err := decode(r.Value, &tree); err != nil {
		return nil, garbled(err)
	}
	env.Value = tree.value()
	return env, nil
}

func sealed(text string, secret bool) esc.Value {
	if secret {
		return esc.NewSecret(text)
	}
	return esc.New(text)
}

// A value is an esc.Value in the clear. One of its fields is set; none is null.
type value struct {
	Bool   *bool             `json:"bool,omitempty"`
	Number *json.Number      `json:"number,omitempty"`
	Text   *string           `json:"text,omitempty"`
	List   *[]value          `json:"list,omitempty"`
	Object *map[string]value `json:"object,omitempty"`
	Secret bool              `json:"secret,omitempty"`
}

func fromValue(v esc.Value) (value, error) {
	out := value{Secret: v.IsSecret()}
	switch raw := v.Reveal().(type) {
	case bool:
		out.Bool = &raw
	case json.Number:
		out.Number = &raw
	case string:
		if !utf8.ValidString(raw) {
			return out, notText("a value")
		}
		out.Text = &raw
	case []esc.Value:
		return out.withList(raw)
	case map[string]esc.Value:
		return out.withObject(raw)
	}
	return out, nil
}

func (v value) withList(elements []esc.Value) (_ value, err error) {
	list := make([]value, len(elements))
	for i, e := range elements {
		if list[i], err = fromValue(e); err != nil {
			return v, err
		}
	}
	v.List = &list
	return v, nil
}

func (v value) withObject(properties map[string]esc.Value) (_ value, err error) {
	object := make(map[string]value, len(properties))
	for k, e := range properties {
		if object[k], err = fromValue(e); err != nil {
			return v, err
		}
	}
	v.Object = &object
	return v, nil
}

func (v value) value() esc.Value {
	out := esc.New(v.raw())
	if v.Secret {
		return out.Sealed() // each element has a mark of its own
	}
	return out
}

func (v value) raw() any {
	switch {
	case v.Bool != nil:
		return *v.Bool
	case v.Number != nil:
		return *v.Number
	case v.Text != nil:
		return *v.Text
	case v.List != nil:
		list := make([]esc.Value, len(*v.List))
		for i, e := range *v.List {
			list[i] = e.value()
		}
		return list
	case v.Object != nil:
		object := make(map[string]esc.Value, len(*v.Object))
		for k, e := range *v.Object {
			object[k] = e.value()
		}
		return object
	}
	return nil
}
