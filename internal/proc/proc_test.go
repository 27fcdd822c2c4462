package proc_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/escenv/escenv/internal/proc"
)

func TestAProcessIsTheSameUntilItEnds(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	first, err := proc.Started(child.Process.Pid)
	if err != nil || !proc.Visible(first) {
		t.Fatalf("Started = %q, %v", first, err)
	}
	if again, err := proc.Started(child.Process.Pid); again != first || err != nil {
		t.Errorf("asked again it is %q, %v, not %q", again, err, first)
	}
	if own, err := proc.Started(os.Getpid()); own == first || err != nil {
		t.Errorf("this process has the same: %q, %v", own, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	waitZombie(t, child.Process.Pid)
	if _, err := proc.Started(child.Process.Pid); err == nil {
		t.Error("a process that waits to be reaped has started")
	}
	_ = child.Wait()
	if _, err := proc.Started(child.Process.Pid); err == nil {
		t.Error("a process that is gone has started")
	}
}

// waitZombie waits until a killed child has ended, and does not reap it.
func waitZombie(t *testing.T, pid int) {
	t.Helper()
	for range 1_000_000 {
		if _, err := proc.Started(pid); err != nil {
			return
		}
	}
	t.Fatal("the child does not end")
}
