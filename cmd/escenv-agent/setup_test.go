package main

import (
	"fmt"
	"os"
	"os/user"
	"testing"
)

// The issuer's subject needs a name also where nothing sets USER.
func TestLoginName(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Skip("this system does not know who runs the test:", err)
	}
	for _, tt := range []struct {
		environ []string
		uid     int
		want    string
	}{
		{[]string{"USER=alice", "LOGNAME=bob"}, os.Geteuid(), "alice"},
		{[]string{"LOGNAME=bob"}, os.Geteuid(), "bob"},
		{[]string{"HOME=/"}, os.Geteuid(), me.Username},
		{nil, 1<<31 - 7, ""},
	} {
		if got := loginName(tt.environ, tt.uid); got != tt.want {
			t.Errorf("%v, %d: %q, want %q", tt.environ, tt.uid, got, tt.want)
		}
	}
}

// Definitions may ask who opens them.
func TestContextOf(t *testing.T) {
	if got := fmt.Sprint(contextOf("ada")); got != "map[pulumi:{user:{login:ada}}]" {
		t.Errorf("got %s", got)
	}
	if got := contextOf(""); got != nil {
		t.Errorf("nobody is %v", got)
	}
}
