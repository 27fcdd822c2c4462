package escenv_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// programs is where the programs are that scripts run: the real ones, laid out
// as install.sh does, with the race detector and a clock that scripts can set
// ahead.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "escenv-programs")
	if err != nil {
		panic(err)
	}
	programs = filepath.Join(dir, "bin")
	for _, build := range [][]string{
		{"libexec/escenv/", "", "./cmd/escenv"},
		{"bin/", "", "./cmd/escenv-agent", "./cmd/escenv-devcloud"},
		{"bin/", "escenv_light", "./cmd/escenv"},
	} {
		tags := "urfave_cli_no_docs escenv_testclock " + build[1]
		args := append([]string{"build", "-race", "-tags", tags, "-o", filepath.Join(dir, build[0]) + "/"}, build[2:]...)
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
			os.Exit(1)
		}
	}
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

func TestScripts(t *testing.T) {
	params := scriptParams("testdata/script")
	params.UpdateScripts = os.Getenv("UPDATE_SCRIPTS") != ""
	runScripts(t, params, leaksFail)
}

func scriptParams(dir string) testscript.Params {
	return testscript.Params{
		Dir: dir, Setup: setup, Cmds: scriptCommands(), Condition: scriptCondition,
		RequireExplicitExec: true, RequireUniqueNames: true,
	}
}

// scriptCommands are the commands that scripts have besides testscript's own.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"cloud":  startCloud,
		"clock":  setClock,
		"job":    startJob,
		"shop":   startShop,
		"sts":    setSTS,
		"ttyrun": runOnTerminal,
	}
}

// setup gives a script a home of its own, and after it searches what was left
// and takes its agent down.
func setup(env *testscript.Env) error {
	run, err := os.MkdirTemp("/tmp", "escenv-run") // short: a socket's path has at most 107 bytes
	if err != nil {
		return err
	}
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	canary := env.T().(*canary)
	if err := canary.keep(env.WorkDir); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("XDG_RUNTIME_DIR", run)
	env.Setenv("ESCENV_TEST_CLOCK", filepath.Join(home, "clock"))
	env.Setenv("PATH", programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	env.Setenv("TERM", "xterm")
	env.Setenv("USER", "alice")
	env.Setenv("GORACE", "halt_on_error=1 atexit_sleep_ms=0") // or every command takes a second longer
	env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	env.Defer(func() {
		if err := canary.search(env.WorkDir, run); err != nil {
			canary.Errorf("searching for secrets: %v", err)
		}
		stop := exec.Command(filepath.Join(programs, "escenv"), "agent", "stop")
		stop.Env = env.Vars
		_ = stop.Run() // there may be none
		os.RemoveAll(run)
	})
	return nil
}

// setClock sets the programs' clock ahead of the wall clock: clock 55m.
func setClock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: clock DURATION")
	}
	ts.Check(os.WriteFile(ts.Getenv("ESCENV_TEST_CLOCK"), []byte(args[0]), 0o600))
}

// startCloud starts devcloud for the rest of the script, serving the directory
// site as an issuer's, and configures escenv to use it. It sets ENDPOINT and
// ISSUER, and the administrator's ROOT_KEY and ROOT_SECRET, and keeps
// cloud.json for escenv-devcloud's other commands.
func startCloud(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: cloud [SERVE-FLAGS]")
	}
	site := ts.MkAbs("site")
	ts.Check(os.MkdirAll(site, 0o755))
	serve := exec.Command(filepath.Join(programs, "escenv-devcloud"), append([]string{"serve", "--issuer-dir", site, "--state-file", ts.MkAbs("cloud.json")}, args...)...)
	serve.Env = []string{"HOME=" + ts.Getenv("HOME"), "ESCENV_TEST_CLOCK=" + ts.Getenv("ESCENV_TEST_CLOCK")}
	serve.Stderr = os.Stderr
	out, err := serve.StdoutPipe()
	ts.Check(err)
	ts.Check(serve.Start())
	ts.Defer(func() {
		_ = serve.Process.Signal(os.Interrupt)
		_ = serve.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	ts.Check(err)
	var ready struct {
		Endpoint  string `json:"endpoint"`
		Issuer    string `json:"issuer_url"`
		KeyID     string `json:"access_key_id"`
		SecretKey string `json:"secret_access_key"`
	}
	ts.Check(json.Unmarshal(line, &ready))
	ts.Setenv("ENDPOINT", ready.Endpoint)
	ts.Setenv("ISSUER", ready.Issuer)
	ts.Setenv("ROOT_KEY", ready.KeyID)
	ts.Setenv("ROOT_SECRET", ready.SecretKey)
	config := filepath.Join(ts.Getenv("HOME"), ".config/escenv/config.yaml")
	ts.Check(os.MkdirAll(filepath.Dir(config), 0o700))
	ts.Check(os.WriteFile(config, fmt.Appendf(nil, "aws: {region: eu-west-1, endpoint: %q}\n", ready.Endpoint), 0o600))
}

// runOnTerminal runs a command on a terminal of its own, types the file typed
// if there is one, and leaves the screen's bytes in the file screen.
func runOnTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: [!] ttyrun COMMAND ARG...")
	}
	path, err := exec.LookPath(args[0])
	if own := filepath.Join(programs, args[0]); err != nil || exists(own) {
		path = own
	}
	cmd := &exec.Cmd{Path: path, Args: args, Dir: ts.MkAbs("."), Env: scriptEnviron(ts)}
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	ts.Check(err)
	defer master.Close()
	if typed, err := os.ReadFile(ts.MkAbs("typed")); err == nil {
		_, err = master.Write(typed)
		ts.Check(err)
	}
	var screen bytes.Buffer
	_, _ = io.Copy(&screen, master) // ends with an error when the terminal closes
	err = cmd.Wait()
	ts.Check(os.WriteFile(ts.MkAbs("screen"), screen.Bytes(), 0o600))
	ts.Logf("[stdout]\n%s", screen.String())
	var exit *exec.ExitError
	if failed := errors.As(err, &exit); failed != neg {
		ts.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, screen.String())
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// scriptEnviron is what a script's own commands get.
func scriptEnviron(ts *testscript.TestScript) []string {
	var environ []string
	for _, name := range []string{
		"HOME", "PATH", "TERM", "USER", "GORACE", "XDG_RUNTIME_DIR", "ESCENV_TEST_CLOCK", "AWS_EC2_METADATA_DISABLED", "ESCENV_NO_AGENT", "SHELL", "EDITOR",
	} {
		if value := ts.Getenv(name); value != "" {
			environ = append(environ, name+"="+value)
		}
	}
	return append(environ, "PWD="+ts.MkAbs("."))
}
