package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

const withFile = `values:
  files: {KUBECONFIG: hunter2}
`

// projected returns the directories of those who have files.
func (h *home) projected() []string {
	found, _ := filepath.Glob(filepath.Join(h.dir, "run", "escenv", "files", "*"))
	return found
}

// owner starts a process and, as its hook would, gives it a file.
func (h *home) owner() *exec.Cmd {
	h.t.Helper()
	must(h.t, os.WriteFile(filepath.Join(h.dir, ".escenv"), []byte("shop/dev\n"), 0o600))
	h.run("one", "allow")
	cmd := exec.Command("sleep", "1000")
	must(h.t, cmd.Start())
	h.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	before, environ := len(h.projected()), h.environ
	h.environ = slices.Concat(environ, []string{"__ESCENV_SHELL=" + strconv.Itoa(cmd.Process.Pid)})
	_, talk := h.run("one", "export", "bash")
	h.environ = environ
	if len(h.projected()) != before+1 {
		h.t.Fatalf("it has no file: %s", talk)
	}
	return cmd
}

// TestFilesOfAKilledShellAreSwept: no other shell comes, and the agent does not
// wait for its next look around.
func TestFilesOfAKilledShellAreSwept(t *testing.T) {
	h := newHome(t)
	h.define(withFile)
	first, second := h.owner(), h.owner()
	must(t, first.Process.Kill())
	eventually(t, "the files of the one that was killed are gone", func() bool { return len(h.projected()) == 1 })
	must(t, second.Process.Kill())
	eventually(t, "all files are gone", func() bool { return len(h.projected()) == 0 })
}

// TestAnAgentSweepsAsItComesAndGoes: the owners ended while no agent knew them.
func TestAnAgentSweepsAsItComesAndGoes(t *testing.T) {
	h := newHome(t)
	h.define(withFile)
	gone, alive := h.owner(), h.owner()
	h.run("one", "agent", "stop")
	eventually(t, "the agent is gone", func() bool { return len(h.agents()) == 0 })
	must(t, gone.Process.Kill())
	_ = gone.Wait()
	if n := len(h.projected()); n != 2 {
		t.Fatalf("%d have files while there is no agent", n)
	}
	h.start()
	eventually(t, "the files of the dead are gone", func() bool { return len(h.projected()) == 1 })
	must(t, alive.Process.Kill()) // this agent was never told of it
	_ = alive.Wait()
	h.run("one", "agent", "stop")
	eventually(t, "all files are gone", func() bool { return len(h.projected()) == 0 })
}
