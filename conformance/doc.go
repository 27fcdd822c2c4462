// Package conformance has no code to ship. Its tests hold escenv's evaluator
// against the one whose language it speaks, github.com/pulumi/esc: the cases of
// that module's own suite, which are read from the module cache and not copied,
// generated definitions that both evaluate, and benchmarks side by side.
//
// It is a module of its own so that what it needs stays out of escenv's go.mod.
package conformance
