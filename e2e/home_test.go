package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A home is a person who has just installed escenv: a HOME and XDG directories
// with nothing in them, and an environment with nothing of the caller's.
type home struct {
	t     *testing.T
	dir   string
	env   []string
	cloud cloud
}

func newHome(t *testing.T, env ...string) *home {
	t.Helper()
	dir, err := os.MkdirTemp(lab.dir, "h")
	if err != nil {
		t.Fatal(err)
	}
	h := &home{t: t, dir: dir}
	for _, sub := range []string{"config", "state", "cache", "data", "run", "tmp"} {
		if err := os.Mkdir(h.path(sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h.env = append([]string{
		"HOME=" + dir, "PATH=" + lab.bin + ":" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8",
		"XDG_CONFIG_HOME=" + h.path("config"), "XDG_STATE_HOME=" + h.path("state"), "XDG_CACHE_HOME=" + h.path("cache"),
		"XDG_DATA_HOME=" + h.path("data"), "XDG_RUNTIME_DIR=" + h.path("run"), "TMPDIR=" + h.path("tmp"),
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=", "AWS_DEFAULT_REGION=us-east-1",
	}, env...)
	t.Cleanup(h.leave)
	return h
}

// leave ends the home's agent.
func (h *home) leave() {
	cmd := exec.Command(filepath.Join(lab.bin, "escenv"), "agent", "stop")
	cmd.Env = h.env
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Errorf("escenv agent stop: %v\n%s", err, out)
	}
}

func (h *home) path(name string) string { return filepath.Join(h.dir, name) }

// write makes a file in the home.
func (h *home) write(name, text string) {
	h.t.Helper()
	path := h.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// configure writes config.yaml: the settings, and where the cloud is.
func (h *home) configure(settings string) {
	h.t.Helper()
	h.write("config/escenv/config.yaml", settings+"\naws: {region: us-east-1, endpoint: '"+h.cloud.sts.url+"'}\n")
}

// A result is what a command printed and how it ended.
type result struct {
	stdout, stderr string
	status         int
}

// run runs a command in a directory of the home, without a terminal.
func (h *home) run(dir string, args ...string) result {
	h.t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	if path := filepath.Join(lab.bin, args[0]); exists(path) {
		cmd = exec.Command(path, args[1:]...)
	}
	cmd.Dir, cmd.Env = h.path(dir), h.env
	var stdout, stderr bytes.Buffer
	record := lab.output(h.t, "run")
	defer record.Close()
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, record), io.MultiWriter(&stderr, record)
	if err := cmd.Run(); cmd.ProcessState == nil {
		h.t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// must runs a command that has to succeed and returns its standard output.
func (h *home) must(dir string, args ...string) string {
	h.t.Helper()
	r := h.run(dir, args...)
	if r.status != 0 {
		h.t.Fatalf("%s: exit status %d\n%s%s", strings.Join(args, " "), r.status, r.stdout, r.stderr)
	}
	return r.stdout
}

// shell starts an interactive shell in the home, as the person has set it up.
func (h *home) shell(name string) *terminal {
	h.t.Helper()
	shell := shells[name]
	h.write(shell.file, shell.text)
	h.write("data/fish/generated_completions/none", "") // or fish reads every manual page
	cmd := exec.Command(shell.args[0], shell.args[1:]...)
	cmd.Dir, cmd.Env = h.dir, h.env
	return startTerminal(h.t, cmd)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
