// Package esc holds the words every room shares: a Ref names a definition, an
// Opener opens it, an Environment is what comes out, a Value may be secret and
// a Diagnostic says where a definition is wrong.
//
// It knows only the standard library and does no input or output.
package esc

import (
	"context"
	"time"
)

// An Opener opens environments. The evaluator computes them, the agent's cache
// remembers them and the agent's client asks for them: all three are Openers.
type Opener interface {
	// Open opens the environment req names. It returns Diagnostics when a
	// definition is wrong and an *Error when something else is.
	Open(ctx context.Context, req Request) (*Environment, error)
}

// A Request says what to open and how much of it is needed.
type Request struct {
	Refs []Ref  // layers, at least one; a later layer wins
	Want Want   // what the caller will use; nothing else is evaluated
	Path string // with WantPath: the property path that is demanded
	Hook bool   // a prompt waits: nobody may be asked anything

	// Holder is the process that will use the environment, which is kept
	// fresh for as long as that lives; 0 for none.
	Holder int
}

// Want is the part of an environment that a caller demands.
type Want int

// The parts that can be demanded.
const (
	WantVariables Want = iota // environmentVariables and files
	WantAll                   // every value
	WantPath                  // the value at Request.Path
)

// An Environment is an opened definition, or several in layers.
type Environment struct {
	Name      string     // the references, joined by a space
	Variables []Variable // sorted by name; set for WantVariables
	Files     []File     // sorted by name; set for WantVariables
	Value     Value      // set for WantAll and WantPath
	Leases    []Lease    // what it rests on that ends, or has to be opened
	Secrets   []Value    // every secret string that was computed, exported or not
	Expires   time.Time  // when the first credential in it ends; zero if none does
	Renew     time.Time  // when to open it again, before Expires; zero if never
	Sources   []string   // local files the result rests on, absolute
	Warnings  Diagnostics

	// AllowedNames are the dangerous variable names that the user's own
	// configuration lets the hook set.
	AllowedNames []string
	// Quiet is set if the user's configuration has the hook say nothing about
	// what it loads.
	Quiet bool
}

// A Variable is one environment variable of an opened environment. Its Value
// holds a string, and may be secret.
type Variable struct {
	Name   string
	Value  Value
	Leases []int // the Environment's Leases it rests on, ascending
}

// A File is one of an opened environment's files: whoever uses the environment
// writes Content, a string, to a private file and sets the variable Name to its
// path.
type File struct {
	Name    string
	Content Value
	Leases  []int // as in Variable
}

// A Lease is one fn::open of an opened environment, and how long what it gave
// is good for.
type Lease struct {
	Name    string    // the provider and where it stands: "aws-login at shop/prod:7:5"
	Expires time.Time // zero if never
	Renew   time.Time // when to open it again; zero if never, or if nobody said
	Delay   *Delay    // set while opening it again fails
}

// A Delay says that something that is still good was due to be opened again, and
// could not be.
type Delay struct {
	Since time.Time // when that failed first
	Err   error     // why it failed last
}

// A Provider computes a value when an environment is opened. It implements one
// fn::open.
type Provider interface {
	// Check finds what is wrong with inputs without side effects. Unknown
	// values inside inputs (see Unknown) are taken to be right. The Path of a
	// returned Diagnostic is relative to the inputs.
	Check(inputs Value) Diagnostics
	// Open computes the value. It must not be called with inputs Check refuses.
	Open(ctx context.Context, inputs Value, at Site) (Opened, error)
}

// A Site says which definition a fn::open stands in.
type Site struct {
	Root    string // the definition that is being opened, "project/name"
	Current string // the definition that holds the fn::open, "project/name"
}

// Opened is what a Provider computed and how long it is good for.
type Opened struct {
	Value   Value
	Expires time.Time // zero if it does not expire
	Renew   time.Time // when to open it again, before Expires; zero if whoever keeps it decides
	Delay   *Delay    // set while that fails
}

type progressKey struct{}

// WithProgress returns a context in which Progress calls report.
func WithProgress(ctx context.Context, report func(string)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// Progress tells whoever waits what is going on, in a few words and without
// secrets: "waiting for sts.eu-west-1.amazonaws.com".
func Progress(ctx context.Context, words string) {
	if report, ok := ctx.Value(progressKey{}).(func(string)); ok {
		report(words)
	}
}
