// Package policy reads IAM policy documents and decides by them. It knows a
// small part of IAM's language exactly; whatever it does not know never allows
// anything, and in a Deny always denies.
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxLength is the longest document that is read, in bytes, white space
// included. IAM counts without white space and has a quota for each kind.
const MaxLength = 20480

// A Document is a policy: a role's trust policy, or what an identity may do.
type Document struct {
	statements []statement
}

type statement struct {
	allow      bool
	principals []string // what Federated lists
	anyone     bool     // it is about everybody; that denies, but lets no identity provider in
	actions    []string
	resources  []string
	conditions []condition
	unknown    bool // it says something that is not understood here
}

type condition struct {
	operator string
	key      string
	values   []string
}

// Parse reads a policy document and refuses what IAM calls malformed: what is
// not JSON, has unknown or doubled elements, or lacks Effect or Action.
func Parse(text string) (*Document, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("the policy is longer than %d bytes", MaxLength)
	}
	if err := noDoubles(text); err != nil {
		return nil, err
	}
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement oneOrMany[rawStatement]
	}
	if err := decode([]byte(text), &raw); err != nil {
		return nil, err
	}
	if raw.Version != "" && raw.Version != "2012-10-17" && raw.Version != "2008-10-17" {
		return nil, fmt.Errorf("the policy has an unknown version %q", raw.Version)
	}
	if len(raw.Statement) == 0 {
		return nil, errors.New("the policy has no statement")
	}
	d := &Document{}
	for i, rs := range raw.Statement {
		s, err := rs.read()
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		d.statements = append(d.statements, s)
	}
	return d, nil
}

type rawStatement struct {
	Sid          string
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       oneOrMany[string]
	NotAction    oneOrMany[string]
	Resource     oneOrMany[string]
	NotResource  oneOrMany[string]
	Condition    map[string]map[string]oneOrMany[scalar]
}

func (rs rawStatement) read() (statement, error) {
	s := statement{
		allow: rs.Effect == "Allow", actions: rs.Action, resources: rs.Resource,
		unknown: rs.NotPrincipal != nil || rs.NotAction != nil || rs.NotResource != nil,
	}
	if rs.Effect != "Allow" && rs.Effect != "Deny" {
		return s, fmt.Errorf("the effect is %q, not Allow or Deny", rs.Effect)
	}
	if len(rs.Action) == 0 && len(rs.NotAction) == 0 {
		return s, errors.New("it has no action")
	}
	if err := s.readPrincipal(rs.Principal); err != nil {
		return s, err
	}
	return s, s.readConditions(rs.Condition)
}

// readPrincipal keeps the federated principals; others can never assume a role
// with a web identity.
func (s *statement) readPrincipal(raw json.RawMessage) error {
	s.anyone = string(raw) == `"*"`
	if raw == nil || s.anyone {
		return nil
	}
	var kinds map[string]oneOrMany[string]
	if err := json.Unmarshal(raw, &kinds); err != nil {
		return errors.New("the principal is neither \"*\" nor an object")
	}
	for kind, values := range kinds {
		if !slices.Contains([]string{"AWS", "Federated", "Service", "CanonicalUser"}, kind) {
			return fmt.Errorf("the principal has an unknown kind %q", kind)
		}
		s.anyone = s.anyone || slices.Contains(values, "*")
		if kind == "Federated" {
			s.principals = values
		}
	}
	return nil
}

func (s *statement) readConditions(raw map[string]map[string]oneOrMany[scalar]) error {
	for operator, keys := range raw {
		if !knownOperator(operator) {
			return fmt.Errorf("invalid condition operator %q", operator)
		}
		if _, ok := evaluators[operator]; !ok {
			s.unknown = true
		}
		for key, values := range keys {
			c := condition{operator: operator, key: key}
			for _, v := range values {
				c.values = append(c.values, string(v))
			}
			s.conditions = append(s.conditions, c)
		}
	}
	return nil
}

// HasPrincipal reports whether every statement names who it is about, as a
// trust policy must and an identity's policy must not.
func (d *Document) HasPrincipal() bool {
	return !slices.ContainsFunc(d.statements, func(s statement) bool { return len(s.principals) == 0 && !s.anyone })
}

// Mentions reports whether a condition of every Allow looks at the key.
func (d *Document) Mentions(key string) bool {
	return !slices.ContainsFunc(d.statements, func(s statement) bool {
		return s.allow && !slices.ContainsFunc(s.conditions, func(c condition) bool { return strings.EqualFold(c.key, key) })
	})
}

// decode is json.Unmarshal that refuses unknown elements and anything after
// the value.
func decode(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("the policy is not valid: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the policy has something after its end")
	}
	return nil
}

// oneOrMany is a value or a list of them.
type oneOrMany[T any] []T

// UnmarshalJSON reads either form.
func (m *oneOrMany[T]) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		var list []T
		if err := decode(text, &list); err != nil {
			return err
		}
		*m = list
		return nil
	}
	var one T
	if err := decode(text, &one); err != nil {
		return err
	}
	*m = oneOrMany[T]{one}
	return nil
}

// scalar is a condition's value, which may be written as a string, a number or
// a boolean.
type scalar string

// UnmarshalJSON reads any of the three.
func (s *scalar) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, (*string)(s))
	}
	if text[0] == '{' || text[0] == '[' || string(text) == "null" {
		return errors.New("a condition's value must be a string, a number or a boolean")
	}
	*s = scalar(text)
	return nil
}

// noDoubles refuses an object that has a key twice: encoding/json would let
// the last one win, and a reader might have looked at the first.
func noDoubles(text string) error {
	dec := json.NewDecoder(strings.NewReader(text))
	if err := walk(dec, 0); err != nil {
		return fmt.Errorf("the policy is not valid: %w", err)
	}
	return nil
}

func walk(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	delim, ok := token.(json.Delim)
	if err != nil || !ok {
		return err
	}
	if depth > 10 {
		return errors.New("it is nested too deeply")
	}
	seen := map[string]bool{}
	for dec.More() {
		if delim == '{' {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if seen[strings.ToLower(name)] {
				return fmt.Errorf("it has %q twice", name)
			}
			seen[strings.ToLower(name)] = true
		}
		if err := walk(dec, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}
