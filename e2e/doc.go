// Package e2e has no code to ship. Its tests run the real escenv and
// escenv-agent, with the real AWS CLI, against two S3 and STS servers that
// others wrote and that verify our identity tokens: MinIO on loopback, and
// versitygw, which has AWS's trust policies, in a network namespace of the
// test's own.
//
// Everything that a test prints or writes, and every command line that was
// seen while it ran, is searched for secrets at the end.
//
// It is a module of its own so that what it needs stays out of escenv's go.mod.
package e2e
