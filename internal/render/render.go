// Package render writes opened values as text for programs to read. Every
// format gives back exactly what went in, or refuses what it cannot hold.
//
// Secrets are written in the clear: what calls this has been asked for them.
package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/shells"
)

// Formats lists the formats of Text.
func Formats() []string { return []string{"json", "yaml", "string", "dotenv", "shell", "fish"} }

// Text writes v (json, yaml, string) or vars (dotenv, shell, fish). It returns
// an *esc.Error of kind Invalid for a format it does not know and for what a
// format cannot hold.
func Text(v esc.Value, vars []esc.Variable, format string) ([]byte, error) {
	switch format {
	case "json":
		return jsonText(v)
	case "yaml":
		return yamlText(v)
	case "string":
		return stringText(v)
	case "dotenv":
		return assignments(vars, dotenvLine)
	case "shell":
		return shellText(vars, "sh")
	case "fish":
		return shellText(vars, "fish")
	}
	return nil, esc.Errorf(esc.Invalid, "unknown format %q", esc.OneLine(format, 40)).
		WithHint("use one of %s", strings.Join(Formats(), ", "))
}

// jsonText indents by two, sorts keys, and leaves <, > and & alone.
func jsonText(v esc.Value) ([]byte, error) {
	if err := representable(v); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v.RevealAll()); err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return out.Bytes(), nil
}

func unknownValue() error {
	return esc.Errorf(esc.Internal, "the value is not known until it is opened")
}

// representable refuses what JSON and YAML cannot hold: unknowns, and strings
// that are not UTF-8.
func representable(v esc.Value) error {
	if v.IsUnknown() {
		return unknownValue()
	}
	if text, ok := v.RevealString(); ok && !utf8.ValidString(text) {
		return notUTF8()
	}
	elements, _ := v.List()
	for _, e := range elements {
		if err := representable(e); err != nil {
			return err
		}
	}
	fields, _ := v.Object()
	for name, e := range fields {
		if !utf8.ValidString(name) {
			return notUTF8()
		}
		if err := representable(e); err != nil {
			return err
		}
	}
	return nil
}

func notUTF8() error {
	return esc.Errorf(esc.Invalid, "a string is not UTF-8 text, which this format cannot hold").
		WithHint("use fn::toBase64, or name the value and use --format string")
}

// stringText is a scalar as it is, without a newline after it.
func stringText(v esc.Value) ([]byte, error) {
	text, ok := v.RevealString()
	switch {
	case v.IsUnknown():
		return nil, unknownValue()
	case !ok:
		return nil, esc.Errorf(esc.Invalid, "the value is not a single one: it is of the kind %s", v.Kind()).
			WithHint("name a property of it, or use --format json")
	}
	return []byte(text), nil
}

func shellText(vars []esc.Variable, shell string) ([]byte, error) {
	dialect, err := shells.Lookup(shell)
	if err != nil {
		return nil, err
	}
	return assignments(vars, func(name, value string) (string, error) {
		return dialect.Export(name, value), nil
	})
}

// assignments writes one statement for each variable.
func assignments(vars []esc.Variable, line func(name, value string) (string, error)) ([]byte, error) {
	var out bytes.Buffer
	for _, v := range vars {
		value, ok := v.Value.RevealString()
		switch {
		case !ok:
			return nil, unknownValue()
		case !esc.IsVariableName(v.Name):
			return nil, esc.Errorf(esc.Invalid, "%q is not the name of an environment variable", esc.OneLine(v.Name, 80))
		case strings.ContainsRune(value, 0):
			return nil, cannotHold(v.Name, "a NUL byte")
		}
		text, err := line(v.Name, value)
		if err != nil {
			return nil, err
		}
		out.WriteString(text)
	}
	return out.Bytes(), nil
}

func cannotHold(name, what string) error {
	return esc.Errorf(esc.Invalid, "the value of %s holds %s, which this format cannot", name, what).
		WithHint("use --format json")
}
