package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A question is a set of definitions and what to do with one of them.
type question struct {
	Root        string            `json:"root"`  // the name under which it is evaluated
	Text        string            `json:"text"`  // of the root
	Texts       map[string]string `json:"texts"` // what can be imported, by name
	Check       bool              `json:"check"` // open nothing
	ShowSecrets bool              `json:"showSecrets"`
	Rotate      bool              `json:"rotate"`
	RotatePaths []string          `json:"rotatePaths"`
}

// An answer is what an evaluator makes of a question: values as plain JSON,
// with "[secret]" and "[unknown]" as upstream writes them.
type answer struct {
	None     bool           `json:"none"` // there is nothing in it to evaluate
	Revealed any            `json:"revealed"`
	Redacted any            `json:"redacted"`
	Findings []finding      `json:"findings"`
	Patches  map[string]any `json:"patches"` // new state by path, revealed
}

// A finding is one diagnostic.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	EndLine int    `json:"endLine"`
	End     int    `json:"end"`
	Path    string `json:"path"`
	Summary string `json:"summary"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning"`
}

func (f finding) String() string {
	severity := "error"
	if f.Warning {
		severity = "warning"
	}
	return fmt.Sprintf("%s:%d:%d-%d:%d: %s: %s [%s]", f.File, f.Line, f.Column, f.EndLine, f.End, severity, f.Summary, f.Path)
}

// wrong reports whether a finding is an error.
func (a answer) wrong() bool {
	return slices.ContainsFunc(a.Findings, func(f finding) bool { return !f.Warning })
}

func (a answer) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "revealed %s\nredacted %s\n", compact(a.Revealed), compact(a.Redacted))
	for _, f := range a.Findings {
		fmt.Fprintf(&b, "%v\n", f)
	}
	return b.String()
}

// sorted puts findings in order of place.
func sorted(findings []finding) []finding {
	slices.SortFunc(findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Summary, b.Summary))
	})
	return findings
}

// decode reads JSON and keeps the text of numbers.
func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func compact(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

// difference returns where two JSON values differ first and how; "" if they
// are equal. Numbers are equal if they are the same float: upstream writes
// 1.10 as 1.1 and what is beyond 64 bits in 17 digits, escenv all of it as it
// stands.
func difference(path string, want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			return objectDifference(path, want, got)
		}
	case []any:
		if got, ok := got.([]any); ok && len(got) == len(want) {
			for i := range want {
				if d := difference(fmt.Sprintf("%s[%d]", path, i), want[i], got[i]); d != "" {
					return d
				}
			}
			return ""
		}
	case json.Number:
		if got, ok := got.(json.Number); ok && sameNumber(want, got) {
			return ""
		}
	case string:
		if got, ok := got.(string); ok && (want == got || sameYAML(want, got)) {
			return ""
		}
	default:
		if want == got {
			return ""
		}
	}
	return fmt.Sprintf("%s: upstream has %s, escenv %s", path, compact(want), compact(got))
}

func objectDifference(path string, want, got map[string]any) string {
	names := map[string]bool{}
	for name := range want {
		names[name] = true
	}
	for name := range got {
		names[name] = true
	}
	for _, name := range sortedKeys(names) {
		below := path + "." + name
		theirs, ok := want[name]
		ours, ok2 := got[name]
		switch {
		case !ok:
			return fmt.Sprintf("%s: only escenv has it: %s", below, compact(ours))
		case !ok2:
			return fmt.Sprintf("%s: only upstream has it: %s", below, compact(theirs))
		}
		if d := difference(below, theirs, ours); d != "" {
			return d
		}
	}
	return ""
}

func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, ok := new(big.Rat).SetString(a.String())
	y, ok2 := new(big.Rat).SetString(b.String())
	if !ok || !ok2 {
		return false
	}
	if x.Cmp(y) == 0 {
		return true
	}
	near, _ := x.Float64()
	exact, _ := y.Float64()
	return near == exact
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// sameYAML reports whether two texts are the same YAML but for numbers:
// fn::toYAML puts them in quotes upstream, which makes strings of them, and
// loses the line break that a string begins with.
func sameYAML(want, got string) bool {
	var theirs, ours any
	if !strings.HasSuffix(want, "\n") || yaml.Unmarshal([]byte(want), &theirs) != nil || yaml.Unmarshal([]byte(got), &ours) != nil {
		return false
	}
	return compact(textual(theirs)) == compact(textual(ours))
}

// textual is a value with strings for numbers.
func textual(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = textual(v[i])
		}
		return v
	case map[string]any:
		for name := range v {
			v[name] = textual(v[name])
		}
		return v
	case string:
		if number, err := strconv.ParseFloat(v, 64); err == nil {
			return fmt.Sprint(number)
		}
		return strings.TrimLeft(v, "\n")
	case int, int64, uint64, float64:
		number, _ := strconv.ParseFloat(fmt.Sprint(v), 64)
		return fmt.Sprint(number)
	default:
		return v
	}
}
