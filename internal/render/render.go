// Package render writes opened values as text for programs to read. Every
// format gives back exactly what went in, or refuses what it cannot hold.
//
// Secrets are written in the clear: what calls this has been asked for them.
package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/shells"
)

// Formats lists the formats of Text.
func Formats() []string { return slices.Concat(valueFormats[:], variableFormats[:], dialects[:]) }

// valueFormats show values.
var valueFormats = [...]string{"json", "yaml", "string", "detailed"}

// variableFormats show environment variables, and so do the dialects.
var variableFormats = [...]string{"dotenv", "github-env", "shell"}

// dialects are the shells whose own words are a format.
var dialects = [...]string{"bash", "zsh", "fish"}

// OfVariables reports whether a format shows environment variables, not values.
func OfVariables(format string) bool {
	return slices.Contains(variableFormats[:], format) || slices.Contains(dialects[:], format)
}

// An Input is what Text writes.
type Input struct {
	Value     esc.Value
	Origin    *esc.Origin // of Value; for detailed, and may be nil
	Variables []esc.Variable
	Random    io.Reader // for github-env
}

// Text writes the value or the variables of in, as the format has it. It
// returns an *esc.Error of kind Invalid for a format it does not know and for
// what a format cannot hold.
func Text(in Input, format string) ([]byte, error) {
	switch format {
	case "json":
		return jsonText(in.Value)
	case "yaml":
		return yamlText(in.Value)
	case "string":
		return stringText(in.Value)
	case "detailed":
		return detailedText(in.Value, in.Origin)
	case "dotenv":
		return assignments(in.Variables, dotenvLine)
	case "github-env":
		return githubText(in.Variables, in.Random)
	case "shell":
		return shellText(in.Variables, "sh")
	case "bash", "zsh", "fish":
		return shellText(in.Variables, format)
	}
	return nil, Unknown(format)
}

// Unknown is the error for a format that is not one.
func Unknown(format string) error {
	return esc.Errorf(esc.Invalid, "unknown format %q", esc.OneLine(format, 40)).
		WithHint("use one of %s", strings.Join(Formats(), ", "))
}

// jsonText indents by two, sorts keys, and leaves <, > and & alone.
func jsonText(v esc.Value) ([]byte, error) {
	if err := representable(v); err != nil {
		return nil, err
	}
	return encodeJSON(v.RevealAll())
}

func encodeJSON(tree any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(tree); err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return escapeUnprintable(out.Bytes(), func(out []byte, r rune) []byte {
		if r > 0xffff {
			return fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
		return fmt.Appendf(out, `\u%04x`, r)
	}), nil
}

// escapeUnprintable writes as escapes what does not show on a terminal, or
// steers it: it reads back the same. Line ends stay; all else that is not
// printable must stand inside strings that know escapes.
func escapeUnprintable(text []byte, escape func([]byte, rune) []byte) []byte {
	odd := func(r rune) bool { return r != '\n' && r != utf8.RuneError && !esc.Printable(r) }
	if bytes.IndexFunc(text, odd) < 0 {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if odd(r) {
			out = escape(out, r)
		} else {
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
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
		return nil, esc.Errorf(esc.Invalid, "the value is not a single one: it is %s", v.AKind()).
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
		if !dialect.Holds(value) {
			return "", cannotHold(name, "what "+shell+" has no words for")
		}
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
