package esc

import "fmt"

// A Kind says what a caller may do about an Error. Kinds cross the agent's
// wire, so they are words.
type Kind string

// The kinds of Error.
const (
	// NotFound: there is no such definition, property or key.
	NotFound Kind = "not-found"
	// Invalid: what was asked for can never work as it is written.
	Invalid Kind = "invalid"
	// Refused: an identity provider or AWS answered no.
	Refused Kind = "refused"
	// Unavailable: something did not answer; asking again later may help.
	Unavailable Kind = "unavailable"
	// CallerIdentity: the identity token lives in the caller's environment,
	// which the shared agent never reads; a private agent can open this.
	CallerIdentity Kind = "caller-identity"
	// Conflict: the definition changed meanwhile, or exists already.
	Conflict Kind = "conflict"
	// BuildMismatch: the agent is another build than the caller.
	BuildMismatch Kind = "build-mismatch"
	// Locked: the user locked the agent, which opens nothing until it is unlocked.
	Locked Kind = "locked"
	// Internal: escenv's own fault.
	Internal Kind = "internal"
)

// An Error is a failure in words a person can act on.
type Error struct {
	Kind    Kind
	Summary string // lower case, no full stop, no secret
	Hint    string // the next thing to do, often a command to type; may be empty
	Err     error  // the cause, if any; not printed again
}

// Errorf returns an Error of the kind.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Summary: fmt.Sprintf(format, args...)}
}

// WithHint returns e with the hint set.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Error returns the summary.
func (e *Error) Error() string { return e.Summary }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
