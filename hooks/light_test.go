package hooks_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// maxOpens is how many files escenv opens to enter a directory: the .escenv and
// what was decided about it, and one more.
const maxOpens = 3

// maxLooks is how often it asks what a file is, however deep the directory: the
// .escenv and its directory, before and when it is read, the agent's socket and
// its directory, a note that the shell does without it, and three that the shell compares.
const maxLooks = 10

// TestEnteringIsLight counts, with strace, what escenv asks of the system to
// enter a directory whose environment the agent has: files beyond those that
// the Go runtime opens in every program, and conversations.
func TestEnteringIsLight(t *testing.T) {
	h := newHouse(t)
	h.escenv("shop", "allow", "--yes")
	h.escenv("shop", "export", "bash") // makes the stamps
	before := h.requests()
	trace := h.calls(t, "openat,open,connect,write,sendto,clone,clone3,execve", "export", "bash")
	if n := h.requests() - before; n != 1 {
		t.Errorf("the agent was asked %d times", n)
	}
	opens := regexp.MustCompile(`open(?:at)?\((?:AT_FDCWD, )?"([^"]*)"`)
	files := 0
	for _, match := range opens.FindAllStringSubmatch(trace, -1) {
		switch path := match[1]; {
		case strings.HasPrefix(path, h.root):
			files++
		case !strings.HasPrefix(path, "/sys/") && !strings.HasPrefix(path, "/proc/"):
			t.Errorf("it opens %s", path)
		}
	}
	if files == 0 || files > maxOpens {
		t.Errorf("it opens %d files, want 1 to %d:\n%s", files, maxOpens, trace)
	}
	connects := regexp.MustCompile(`connect\((\d+), `).FindAllStringSubmatch(trace, -1)
	if len(connects) != 1 {
		t.Fatalf("it connects %d times:\n%s", len(connects), trace)
	}
	if n := strings.Count(trace, "write("+connects[0][1]+", "); n != 1 {
		t.Errorf("it writes to the agent %d times:\n%s", n, trace)
	}
	if n := strings.Count(trace, "execve("); n != 1 {
		t.Errorf("it runs %d programs", n-1)
	}
}

func TestEnteringLooksAtLittle(t *testing.T) {
	h := newHouse(t)
	h.escenv("shop", "allow", "--yes")
	h.escenv("shop", "export", "bash") // makes the stamps
	trace := h.calls(t, "?stat,?lstat,?newfstatat", "export", "bash")
	if n := strings.Count(trace, "stat(") + strings.Count(trace, "fstatat("); n == 0 || n > maxLooks {
		t.Errorf("it looks at %d files, want 1 to %d:\n%s", n, maxLooks, trace)
	}
}

// calls runs escenv in shop below strace and returns those system calls.
func (h *house) calls(t *testing.T, which string, args ...string) string {
	t.Helper()
	argv := append([]string{"-f", "-qq", "-o", h.path("trace"), "-e", "trace=" + which, "--", h.path("bin/escenv")}, args...)
	cmd := exec.Command(need(t, "strace"), argv...)
	cmd.Dir, cmd.Env = h.path("shop"), append(h.environ(), "PWD="+h.path("shop"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(h.path("trace"))
	must(t, err)
	return string(text)
}
