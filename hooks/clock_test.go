package hooks_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestFishAsksItsTerminalForTheTime: fish has no clock. Its terminal, which says
// when it was last written to, tells when a lease is due, to the prompt: even
// to one that comes after hours of nothing. Nothing is written for that.
func TestFishAsksItsTerminalForTheTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("terminals elsewhere are not known to tell the time")
	}
	t.Parallel()
	s := traced(t, newHouse(t), "fish")
	s.escenv("shop", "allow", "--yes")
	now := time.Now()
	s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "first"}, expires: now.Add(time.Hour), renew: now.Add(8 * time.Second)})
	s.run("cd " + s.path("shop"))
	due := s.due()
	if due.UnixNano()%(8*int64(time.Second)) != -1+8*int64(time.Second) {
		t.Errorf("it is due at %v, which no terminal can tell", due)
	}
	if wait := time.Until(due); wait > 18*time.Second {
		t.Errorf("it is due in %v", wait)
	}
	s.wantProcesses(0, "before it is due", "true", 20)
	if _, err := os.Stat(s.path("run/escenv/now")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written to learn the time: %v", err)
	}
	s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "second"}, expires: now.Add(time.Hour), renew: now.Add(time.Hour / 2)})
	must(t, syscall.Mkfifo(s.path("pipe"), 0o600))
	before := s.requests()
	s.enter("read -z <" + s.path("pipe"))
	time.Sleep(time.Until(due) + 10*time.Millisecond)
	must(t, os.WriteFile(s.path("pipe"), nil, 0o600))
	s.prompt()
	if asked := s.requests() - before; asked != 1 {
		t.Errorf("at the first prompt after it was due the agent was asked %d times", asked)
	}
	s.wantProcesses(0, "after that", "true", 20)
	s.wantKey("second")
}

// due returns when fish will come back to escenv.
func (s *shell) due() time.Time {
	s.t.Helper()
	s.run("echo $__escenv_due >" + s.path("due"))
	text, err := os.ReadFile(s.path("due"))
	must(s.t, err)
	stamp := filepath.Base(string(text[:len(text)-1]))
	ns, err := strconv.ParseInt(stamp, 10, 64)
	must(s.t, err)
	return time.Unix(0, ns)
}
