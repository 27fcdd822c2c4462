package render

import (
	"encoding/json"

	"github.com/escenv/escenv/internal/esc"
)

// A detail is a value with what is known about it, all the way down.
type detail struct {
	Value  any    `json:"value"` // a scalar, []detail or map[string]detail
	Secret bool   `json:"secret,omitempty"`
	Trace  *trace `json:"trace,omitempty"`
}

// A trace is where a value was written. Values that were computed, by a
// provider for example, have that of what they were computed by.
type trace struct {
	Def  textRange `json:"def"`
	Base *base     `json:"base,omitempty"` // what it overrides
}

type base struct {
	Trace *trace `json:"trace"`
}

type textRange struct {
	Environment string    `json:"environment"`
	Begin       textPlace `json:"begin"`
	End         textPlace `json:"end"` // exclusive; begin if it is not known
}

type textPlace struct {
	Line   int `json:"line"`   // from 1
	Column int `json:"column"` // from 1, in characters
}

// detailedText is JSON.
func detailedText(v esc.Value, origin *esc.Origin) ([]byte, error) {
	if err := representable(v); err != nil {
		return nil, err
	}
	return encodeJSON(detailOf(v, origin))
}

func detailOf(v esc.Value, origin *esc.Origin) detail {
	out := detail{Secret: v.IsSecret(), Trace: traceOf(origin)}
	switch raw := v.Reveal().(type) {
	case []esc.Value:
		list := make([]detail, len(raw))
		for i, e := range raw {
			list[i] = detailOf(e, origin.Item(i))
		}
		out.Value = list
	case map[string]esc.Value:
		object := make(map[string]detail, len(raw))
		for name, e := range raw {
			object[name] = detailOf(e, origin.Field(name))
		}
		out.Value = object
	case json.Number, bool, string, nil:
		out.Value = raw
	}
	return out
}

func traceOf(origin *esc.Origin) *trace {
	if origin == nil {
		return nil
	}
	begin := textPlace{origin.Begin.Line, origin.Begin.Column}
	out := &trace{Def: textRange{Environment: origin.Environment, Begin: begin, End: begin}}
	if origin.End.Line != 0 {
		out.Def.End = textPlace{origin.End.Line, origin.End.Column}
	}
	if over := traceOf(origin.Base); over != nil {
		out.Base = &base{over}
	}
	return out
}
