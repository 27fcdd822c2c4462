package e2e

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// startServer runs a program built by .ci/tools until the test ends, and
// returns when url answers.
func startServer(t *testing.T, url string, env []string, name string, args ...string) {
	t.Helper()
	program, err := filepath.Abs("../.cache/tools/" + name)
	if err != nil || !exists(program) {
		t.Fatalf("%s is not built: .ci/tools %s", program, name)
	}
	record := lab.output(t, name)
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, record, record
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); record.Close(); close(ended) }()
	t.Cleanup(func() { <-ended })
	waitReady(t, url, record.Name(), ended)
}

func waitReady(t *testing.T, url, log string, ended <-chan struct{}) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
			continue
		case <-ended:
		case <-deadline:
		}
		said, _ := os.ReadFile(log)
		t.Fatalf("%s does not answer; the server said\n%s", url, said)
	}
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serverDir makes a directory for what a server stores.
func serverDir(t *testing.T) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(lab.dir, "server"), 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(filepath.Join(lab.dir, "server"), "")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
