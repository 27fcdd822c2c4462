package e2e

import (
	"strings"
	"testing"
)

const (
	ownIssuer = "identity: {issuer: {lifetime: 2m, user: alice}}"
	subject   = "escenv:env:shop/prod:user:alice"
)

// testMainJob is what escenv is for.
func (c cloud) testMainJob(t *testing.T) {
	t.Run("without escenv there are no credentials", func(t *testing.T) {
		r := c.person(t, ownIssuer).run("project", "aws", "s3", "ls")
		if r.status == 0 || !strings.Contains(r.stderr, "Unable to locate credentials") {
			t.Errorf("aws s3 ls: status %d\n%s%s", r.status, r.stdout, r.stderr)
		}
	})
	t.Run("exec", func(t *testing.T) {
		h := c.person(t, ownIssuer)
		h.must("project", "escenv", "allow", "--yes")
		c.wantBucket(t, h.must("project", "escenv", "exec", "--", "aws", "s3", "ls"))
		c.wantBucket(t, h.must(".", "escenv", "exec", "-e", "shop/prod", "--", "aws", "s3", "ls"))
	})
	t.Run("run", func(t *testing.T) {
		c.wantBucket(t, c.person(t, ownIssuer).must(".", "escenv", "run", "shop/prod", "-i", "aws", "s3", "ls"))
	})
	t.Run("exec without an agent", func(t *testing.T) {
		h := c.person(t, ownIssuer)
		c.wantBucket(t, h.must(".", "escenv", "exec", "--no-agent", "-e", "shop/prod", "--", "aws", "s3", "ls"))
	})
	t.Run("exec masks what the command prints", c.testMasked)
	for name := range shells {
		t.Run("cd in "+name, func(t *testing.T) { c.testShell(t, name) })
	}
}

// testMasked relies on the canary: whatever run returns is searched.
func (c cloud) testMasked(t *testing.T) {
	h := c.person(t, ownIssuer)
	r := h.run(".", "escenv", "exec", "-e", "shop/prod", "--", "sh", "-c", "env; env >&2; exit 7")
	if r.status != 7 || !strings.Contains(r.stdout, "AWS_SESSION_TOKEN=") || !strings.Contains(r.stderr, "AWS_SECRET_ACCESS_KEY=") {
		t.Errorf("status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
}

// testShell is a person who goes into a project and leaves it.
func (c cloud) testShell(t *testing.T, name string) {
	h := c.person(t, ownIssuer)
	calls := c.sts.calls.Load()
	h.must("project", "escenv", "allow", "--yes")
	shell := h.shell(name)

	wantNoCredentials(t, shell.run("aws s3 ls"))
	t.Log(shell.run("cd project"))
	c.wantBucket(t, shell.run("aws s3 ls"))
	c.wantBucket(t, shell.run("escenv exec -- aws s3 ls"))
	wantNoCredentials(t, shell.run("cd .. && aws s3 ls"))
	c.wantBucket(t, shell.run("cd project && aws s3 ls"))
	shell.run("cd ..")
	wantNoCredentials(t, shell.run("aws s3 ls"))
	if got := c.sts.calls.Load() - calls; got != 1 {
		t.Errorf("STS was called %d times, want once", got)
	}
}

func (c cloud) wantBucket(t *testing.T, output string) {
	t.Helper()
	if !strings.HasSuffix(strings.TrimSpace(output), " "+c.bucket) {
		t.Errorf("aws s3 ls does not list %s:\n%s", c.bucket, output)
	}
}

func wantNoCredentials(t *testing.T, output string) {
	t.Helper()
	if !strings.Contains(output, "Unable to locate credentials") {
		t.Errorf("aws s3 ls has credentials:\n%s", output)
	}
}
