package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/schema"
)

// value reads JSON.
func value(t *testing.T, text string) esc.Value {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var raw any
	if err := decoder.Decode(&raw); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return fromPlain(raw)
}

func fromPlain(raw any) esc.Value {
	switch raw := raw.(type) {
	case []any:
		out := make([]esc.Value, len(raw))
		for i, e := range raw {
			out[i] = fromPlain(e)
		}
		return esc.New(out)
	case map[string]any:
		out := map[string]esc.Value{}
		for name, e := range raw {
			out[name] = fromPlain(e)
		}
		return esc.New(out)
	}
	return esc.New(raw)
}

func said(diags esc.Diagnostics) string {
	var lines []string
	for _, d := range diags {
		lines = append(lines, strings.TrimPrefix(d.Path+" "+d.Summary, " "))
	}
	return strings.Join(lines, "; ")
}

func TestCheck(t *testing.T) {
	tests := []struct{ schema, right, wrong, says string }{
		{`{"type":"string"}`, `"x"`, `1`, "expected string, got number"},
		{`{"type":"null"}`, `null`, `[]`, "expected null, got array"},
		{`true`, `1`, "", ""},
		{`{}`, `{"a":[1]}`, "", ""},
		{`false`, "", `1`, "no value is accepted here"},
		{`{"const":[1,"a"]}`, `[1.0,"a"]`, `[1,"b"]`, `expected [1,"a"]`},
		{`{"const":null}`, `null`, `false`, `expected null`},
		{`{"enum":["a",2]}`, `2`, `"b"`, `expected one of ["a",2]`},
		{`{"type":"number","minimum":1}`, `1`, `0.5`, "expected a number greater than or equal to 1"},
		{`{"type":"number","exclusiveMinimum":1}`, `1.1`, `1`, "expected a number greater than 1"},
		{`{"type":"number","maximum":1}`, `1`, `1.1`, "expected a number less than or equal to 1"},
		{`{"type":"number","exclusiveMaximum":1}`, `0`, `1`, "expected a number less than 1"},
		{`{"type":"number","multipleOf":0.1}`, `0.3`, `0.35`, "expected a multiple of 0.1"},
		{`{"type":"number","minimum":1}`, `9`, `1e999999999`, "the number is too large or too small to compare"},
		{`{"type":"string","minLength":2}`, `"éé"`, `"é"`, "expected a string of at least length 2"},
		{`{"type":"string","maxLength":1}`, `"é"`, `"éé"`, "expected a string of at most length 1"},
		{`{"type":"string","pattern":"^a+$"}`, `"aa"`, `"ab"`, `string must match the pattern "^a+$"`},
		{`{"type":"array","items":{"type":"number"}}`, `[1,2]`, `[1,"x"]`, "[1] expected number, got string"},
		{`{"type":"array","prefixItems":[{"type":"string"}],"items":false}`, `["x"]`, `["x",1]`, "[1] no value is accepted here"},
		{`{"type":"array","minItems":1}`, `[1]`, `[]`, "expected an array with at least 1 items"},
		{`{"type":"array","maxItems":1}`, `[1]`, `[1,2]`, "expected an array with at most 1 items"},
		{`{"type":"array","uniqueItems":true}`, `[1,2]`, `[{"a":1},2,{"a":1}]`, "expected items that differ, and 2 is as 0"},
		{`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`, `{"a":"x","b":1}`, `{"b":1}`, "missing required properties: a"},
		{`{"type":"object","additionalProperties":{"type":"number"}}`, `{"a":1}`, `{"a b":"x"}`, `["a b"] expected number, got string`},
		{`{"type":"object","dependentRequired":{"a":["b","c"]}}`, `{"b":1}`, `{"a":1}`, "missing required properties: b, c"},
		{`{"type":"object","minProperties":1}`, `{"a":1}`, `{}`, "expected an object with at least 1 properties"},
		{`{"type":"object","maxProperties":1}`, `{"a":1}`, `{"a":1,"b":2}`, "expected an object with at most 1 properties"},
		{`{"anyOf":[{"type":"string"},{"type":"number"}]}`, `1`, `true`, "expected string, got boolean; expected number, got boolean; at least one subschema must match"},
		{`{"oneOf":[{"type":"string"},{"type":"number"}]}`, `1`, `true`, "expected string, got boolean; expected number, got boolean; exactly one subschema must match"},
		{`{"oneOf":[{},{"type":"number"}]}`, `"x"`, `1`, "exactly one subschema may match"},
		{`{"$defs":{"n":{"type":"number"},"l":{"type":"array","items":{"$ref":"#/$defs/n"}}},"$ref":"#/$defs/l"}`, `[1]`, `["x"]`, "[0] expected number, got string"},
		{`{"$defs":{"tree":{"type":"object","additionalProperties":{"$ref":"#/$defs/tree"}}},"$ref":"#/$defs/tree"}`, `{"a":{"b":{}}}`, `{"a":{"b":1}}`, `["a"]["b"] expected object, got number`},
		{`{"$defs":{"a":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}`, "", `1`, "the schema takes too many steps to check"},
		{`{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"}`, "", `1`, "the schema takes too many steps to check"},
	}
	for _, test := range tests {
		s, diags := schema.Parse(value(t, test.schema))
		if diags != nil {
			t.Errorf("%s: %s", test.schema, said(diags))
		}
		if test.right != "" {
			if got := said(s.Check(value(t, test.right), &schema.Meter{})); got != "" {
				t.Errorf("%s refuses %s: %s", test.schema, test.right, got)
			}
		}
		if test.wrong != "" {
			if got := said(s.Check(value(t, test.wrong), &schema.Meter{})); got != test.says {
				t.Errorf("%s says of %s:\n%s\nwant\n%s", test.schema, test.wrong, got, test.says)
			}
		}
	}
}

// An unknown is held against a schema by its own.
func TestCheckUnknown(t *testing.T) {
	tests := []struct{ schema, shape, says string }{
		{`{"type":"string"}`, `{"type":"string"}`, ""},
		{`{"type":"string"}`, `{}`, ""},
		{`{}`, `{"type":"string"}`, ""},
		{`{"type":"string"}`, `{"type":"number"}`, "expected string, got number"},
		{`{"type":"string"}`, `{"anyOf":[{"type":"number"},{"type":"string"}]}`, ""},
		{`{"type":"string"}`, `{"oneOf":[{"type":"number"}]}`, "expected string, got number; at least one subschema must match"},
		{`{"anyOf":[{"type":"string"},{"type":"number"}]}`, `{"type":"boolean"}`, "expected string, got boolean; expected number, got boolean; at least one subschema must match"},
		{`{"type":"array","items":{"type":"string"}}`, `{"type":"array","prefixItems":[{"type":"string"},{"type":"number"}],"items":false}`, "[1] expected string, got number"},
		{`{"type":"array","prefixItems":[{"type":"string"}]}`, `{"type":"array","items":{"type":"number"}}`, "[0] expected string, got number"},
		{`{"type":"object","properties":{"a":{"type":"string"}}}`, `{"type":"object","properties":{"a":{"type":"number"}}}`, `["a"] expected string, got number`},
		{`{"type":"object","required":["a","b"]}`, `{"type":"object","properties":{"a":{}}}`, `["b"] missing required property`},
		{`{"type":"object","dependentRequired":{"a":["b"]}}`, `{"type":"object","properties":{"a":{}},"required":["a"]}`, `["b"] missing required property`},
		{`{"type":"object","additionalProperties":{"type":"string"}}`, `{"type":"object","additionalProperties":{"type":"number"}}`, "expected string, got number"},
		{`{"type":"string"}`, `{"$defs":{"n":{"type":"number"}},"$ref":"#/$defs/n"}`, "expected string, got number"},
		{`false`, `{"type":"number"}`, "no value is accepted here"},
		{`{"type":"object","properties":{"a":false}}`, `{"type":"object","properties":{"a":false}}`, ""},
	}
	for _, test := range tests {
		s, _ := schema.Parse(value(t, test.schema))
		shape, _ := schema.Parse(value(t, test.shape))
		if got := said(s.Check(esc.UnknownOf(shape), &schema.Meter{})); got != test.says {
			t.Errorf("%s says of an unknown %s:\n%s\nwant\n%s", test.schema, test.shape, got, test.says)
		}
	}
	s, _ := schema.Parse(value(t, `{"type":"string"}`))
	if got := said(s.Check(esc.Unknown(), &schema.Meter{})); got != "" {
		t.Errorf("of an unknown of no shape: %s", got)
	}
}

// What is below what a schema describes has a schema, too.
func TestDescend(t *testing.T) {
	s, _ := schema.Parse(value(t, `{"$defs":{"o":{"type":"object","properties":{"l":{"type":"array","prefixItems":[{"type":"string"}],"items":false}},
		"additionalProperties":false}},"$ref":"#/$defs/o"}`))
	if kind := s.Property("l").Item(0).Kind(); kind != "string" || s.Kind() != "object" {
		t.Errorf("l[0] is %q, and all of it %q", kind, s.Kind())
	}
	if !s.Property("x").Never() || !s.Property("l").Item(1).Never() || s.Never() || s.Item(0) != nil || s.Property("l").Property("x") != nil {
		t.Error("something that cannot be is described")
	}
	if names := s.Names(); len(names) != 1 || names[0] != "l" {
		t.Errorf("its names are %q", names)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		`1`:                               "a schema is an object, true or false, not a number",
		`{"type":"int"}`:                  `["type"] expected one of ["string","number","boolean","array","object","null"]`,
		`{"type":["string"]}`:             `["type"] expected string, got array`,
		`{"items":3}`:                     `["items"] a schema is an object, true or false, not a number`,
		`{"required":"a"}`:                `["required"] expected array, got string`,
		`{"required":[1]}`:                `["required"][0] expected string, got number`,
		`{"properties":[]}`:               `["properties"] expected object, got array`,
		`{"pattern":"("}`:                 `["pattern"] the pattern is not a regular expression: error parsing regexp: missing closing ): ` + "`(`",
		`{"pattern":"((a{100}){10}){9}"}`: `["pattern"] the pattern is not a regular expression: error parsing regexp: invalid repeat count: ` + "`{9}`",
		`{"pattern":"` + strings.Repeat("(\\\\pL{1000})", 6) + `"}`: `["pattern"] the pattern is too large`,
		`{"pattern":"` + strings.Repeat("a", 2000) + `"}`:           `["pattern"] the pattern is longer than 1024 bytes`,
		`{"minimum":"1"}`:           `["minimum"] expected number, got string`,
		`{"minimum":1e99999}`:       `["minimum"] the number is too large or too small`,
		`{"multipleOf":0}`:          `["multipleOf"] a multiple must be of a number above 0`,
		`{"minLength":-1}`:          `["minLength"] minLength must be a whole number from 0 up`,
		`{"$ref":"http://x"}`:       `["$ref"] only references of the form #/$defs/name are supported`,
		`{"$ref":"#/$defs/x"}`:      `["$ref"] unknown subschema "#/$defs/x"`,
		`{"requierd":[]}`:           `["requierd"] unknown keyword "requierd": it is ignored`,
		`{"title":"x","default":1}`: "",
	} {
		_, diags := schema.Parse(value(t, text))
		if got := said(diags); got != want {
			t.Errorf("%.80s says\n%s\nwant\n%s", text, got, want)
		}
	}
}

// What is expected may be secret, and a value is never quoted.
func TestNothingSecretIsSaid(t *testing.T) {
	secret := esc.NewSecret("canary")
	for _, word := range []string{"const", "pattern"} {
		s, _ := schema.Parse(esc.New(map[string]esc.Value{word: secret}))
		if got := said(s.Check(esc.New("other"), &schema.Meter{})); got == "" || word == "const" && strings.Contains(got, "canary") {
			t.Errorf("%s: %s", word, got)
		}
	}
	s, _ := schema.Parse(value(t, `{"enum":["a"],"pattern":"x","maxLength":1,"type":"string"}`))
	if got := said(s.Check(secret, &schema.Meter{})); strings.Contains(got, "canary") || got == "" {
		t.Errorf("says %s", got)
	}
}

// FuzzCheck: any schema is held against any value in few steps.
func FuzzCheck(f *testing.F) {
	f.Add(`{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"string"}]}},"items":{"$ref":"#/$defs/a"}}`, `["x",[1]]`)
	f.Add(`{"type":"object","properties":{"a":{"multipleOf":0.5,"minimum":-1e3}},"required":["b"]}`, `{"a":1.25}`)
	f.Add(`{"pattern":"^(a|b)*$","uniqueItems":true,"enum":["ab"]}`, `"abab"`)
	f.Fuzz(func(t *testing.T, schemaText, valueText string) {
		var a, b any
		if decode(schemaText, &a) != nil || decode(valueText, &b) != nil {
			return
		}
		s, _ := schema.Parse(fromPlain(a))
		for _, d := range s.Check(fromPlain(b), &schema.Meter{}) {
			if d.Summary == "" {
				t.Errorf("%+v", d)
			}
		}
	})
}

func decode(text string, into *any) error {
	if len(text) > 4000 {
		return fmt.Errorf("long")
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}
