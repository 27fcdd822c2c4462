package wire

import (
	"context"
	"errors"

	"github.com/escenv/escenv/internal/esc"
)

// FromError returns err as it crosses the wire: summary, kind and hint, or the
// diagnostics. Causes stay behind.
func FromError(err error) *Error {
	var known *Error
	var diags esc.Diagnostics
	var e *esc.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &diags):
		return &Error{Kind: esc.Invalid, Summary: "the definition has errors", Diagnostics: diags}
	case errors.As(err, &e):
		return &Error{Kind: e.Kind, Summary: err.Error(), Hint: e.Hint}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: esc.Unavailable, Summary: "it took too long"}
	case errors.Is(err, context.Canceled):
		return &Error{Kind: esc.Unavailable, Summary: "interrupted"}
	}
	return &Error{Kind: esc.Internal, Summary: err.Error()}
}

// Error returns the summary.
func (e *Error) Error() string { return e.Summary }

// Err returns e as esc.Diagnostics or as an *esc.Error.
func (e *Error) Err() error {
	if len(e.Diagnostics) > 0 {
		return esc.Diagnostics(e.Diagnostics)
	}
	return &esc.Error{Kind: e.Kind, Summary: e.Summary, Hint: e.Hint}
}

// Check returns the Error to answer a request with if it may not be served by
// this build. Leave and status are served to any build and version, so that
// every build can be told from another and be sent away.
func (r Request) Check(build string) *Error {
	switch {
	case r.Op == OpLeave || r.Op == OpStatus:
		return nil
	case r.V != Version:
		return mismatch("the agent speaks another version of the protocol")
	case r.Build != build:
		return mismatch("the agent is another build of escenv")
	}
	return nil
}

func mismatch(summary string) *Error {
	return &Error{Kind: esc.BuildMismatch, Summary: summary, Hint: "escenv agent stop"}
}
