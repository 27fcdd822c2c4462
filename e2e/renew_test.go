package e2e

import (
	"strings"
	"testing"
	"time"
)

// testRenewal is a shell that stays in a project for longer than its
// credentials live: MinIO lets them end with the identity token where the
// definition asks for no duration.
func (c cloud) testRenewal(t *testing.T) {
	h := c.person(t, "identity: {issuer: {lifetime: 12s, user: alice}}")
	h.must("project", "escenv", "allow", "--yes")
	shell := h.shell("bash")
	shell.run("cd project")
	first := shell.run("echo $AWS_ACCESS_KEY_ID")
	if first == "" {
		t.Fatal("there are no credentials after cd")
	}

	for range 2 {
		key := shell.run("echo $AWS_ACCESS_KEY_ID")
		shell.awaitNewKey(key)
		c.wantBucket(t, shell.run("aws s3 ls"))
	}
	shell.run("cd ..")
	wantNoCredentials(t, shell.run("aws s3 ls"))
}

// awaitNewKey comes back to the shell now and then until a prompt has brought
// another access key. No prompt may change the exit status people see.
func (term *terminal) awaitNewKey(key string) {
	term.t.Helper()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		term.run("(exit 7)")
		status, now, _ := strings.Cut(term.run("echo $? $AWS_ACCESS_KEY_ID"), " ")
		switch {
		case status != "7":
			term.t.Fatalf("$? is %s after a prompt, want 7; the screen is\n%s", status, term.text())
		case now != key && now != "":
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			term.t.Fatalf("%s was never renewed; the screen is\n%s", key, term.text())
		}
	}
}
