package process_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// run runs args in a mode without a terminal.
func run(t *testing.T, mode, stdin string, args ...string) (stdout, stderr string, ws syscall.WaitStatus) {
	t.Helper()
	line := wrapper(mode, args...)
	cmd := exec.Command(line[0], line[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	cmd.Env = append(os.Environ(), "SECRET="+secret)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	_ = cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.Sys().(syscall.WaitStatus)
}

func TestExitStatus(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "text"), "not a program", 0o644)
	write(t, filepath.Join(dir, "garbage"), "\x7fELF garbage", 0o755)
	write(t, filepath.Join(dir, "empty"), "", 0o755)
	write(t, filepath.Join(dir, "zeros"), "zeros\x00\x00", 0o755)
	write(t, filepath.Join(dir, "script"), "exit $(($1 + 2))\n", 0o755)
	tests := map[string]struct {
		args []string
		want int
	}{
		"success":        {[]string{"true"}, 0},
		"its own":        {[]string{"sh", "-c", "exit 77"}, 77},
		"not found":      {[]string{"no-such-command"}, 127},
		"no such file":   {[]string{dir + "/none"}, 127},
		"below a file":   {[]string{dir + "/text/none"}, 127},
		"no name":        {[]string{""}, 127},
		"a directory":    {[]string{dir}, 126},
		"not executable": {[]string{dir + "/text"}, 126},
		"not a program":  {[]string{dir + "/garbage"}, 126},
		"not text":       {[]string{dir + "/zeros"}, 126},
		"nothing":        {[]string{dir + "/empty"}, 0},
		"a bare script":  {[]string{dir + "/script", "70"}, 72},
	}
	for name, test := range tests {
		for _, mode := range []string{"replace", "pipes"} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				_, stderr, ws := run(t, mode, "", test.args...)
				if ws.ExitStatus() != test.want {
					t.Errorf("status %d, want %d: %s", ws.ExitStatus(), test.want, stderr)
				}
			})
		}
		t.Run("pty/"+name, func(t *testing.T) {
			if ws := onTerminal(t, wrapper("pty", test.args...)...).ends(); ws.ExitStatus() != test.want {
				t.Errorf("status %d, want %d", ws.ExitStatus(), test.want)
			}
		})
	}
}

func TestCommandIsFoundInItsOwnPath(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "mine"), "#!/bin/sh\necho found\n", 0o755)
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	if out, errs, _ := run(t, "replace", "", "mine"); out != "found\n" {
		t.Errorf("%q %q", out, errs)
	}
}

func TestPipesMaskBothStreams(t *testing.T) {
	out, errs, _ := run(t, "pipes", "", "sh", "-c", `echo "out $SECRET"; echo "err $SECRET" >&2`)
	if out != "out [secret]\n" || errs != "err [secret]\n" {
		t.Errorf("%q %q", out, errs)
	}
}

func TestPipesKeepOrderOfOneDestination(t *testing.T) {
	cmd := exec.Command("sh", "-c", inShell("pipes")+` sh -c 'for i in 1 2 3 4 5 6 7 8; do echo o$i; echo e$i >&2; done' 2>&1`)
	out, err := cmd.Output()
	if want := "o1\ne1\no2\ne2\no3\ne3\no4\ne4\no5\ne5\no6\ne6\no7\ne7\no8\ne8\n"; string(out) != want || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

func TestStandardInputIsIntact(t *testing.T) {
	var binary strings.Builder
	for i := range 1 << 16 {
		binary.WriteByte(byte(i * 7))
	}
	for name, in := range map[string]string{
		"control characters": "a\x03b\x04c\x1ad",
		"a long line":        strings.Repeat("x", 5001) + "\n",
		"binary":             binary.String(),
		"nothing":            "",
	} {
		if out, _, ws := run(t, "pipes", in, "cat"); out != in || ws != 0 {
			t.Errorf("%s: %d bytes came out of %d, status %v", name, len(out), len(in), ws)
		}
	}
}

func TestHeldPipeDoesNotHang(t *testing.T) {
	out, _, ws := run(t, "pipes", "", "sh", "-c", `sleep 300 & echo "$!"; head -c 200000 /dev/zero`)
	line, zeros, _ := strings.Cut(out, "\n")
	pid, err := strconv.Atoi(line)
	if err != nil || len(zeros) != 200000 || ws != 0 {
		t.Errorf("%q, %d bytes, %v", line, len(zeros), ws)
	}
	if !alive(pid) {
		t.Error("the job was ended")
	}
	unix.Kill(pid, unix.SIGKILL)
}

func TestClosedOutputReachesTheCommand(t *testing.T) {
	out, err := exec.Command("bash", "-c", inShell("pipes")+` yes | head -1; echo "${PIPESTATUS[0]}"`).CombinedOutput()
	if string(out) != "y\n141\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

func TestClosedStreams(t *testing.T) {
	for script, want := range map[string]string{
		` sh -c 'cat; echo end' <&-`:         "end\n",
		` sh -c 'echo x; exit 0' >&-`:        "",
		` sh -c 'echo x; exit 0' <&- 2>&-`:   "x\n",
		` sh -c 'exit 0' <&- >&- 2>&-`:       "",
		` sh -c 'echo x; exit 0' </dev/full`: "x\n",
	} {
		out, err := exec.Command("bash", "-c", inShell("pipes")+script).Output()
		if string(out) != want || err != nil {
			t.Errorf("%s: %q, %v", script, out, err)
		}
	}
}

func TestSignalsWithoutATerminal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1} {
		name := strings.TrimPrefix(unix.SignalName(signal), "SIG")
		line := wrapper("pipes", "bash", "-c", fmt.Sprintf(`trap 'echo got; exit 9' %s; echo ready; while :; do sleep 0.05; done`, name))
		cmd := exec.Command(line[0], line[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 6)
		out.Read(buf)
		cmd.Process.Signal(signal)
		rest := make([]byte, 16)
		n, _ := out.Read(rest)
		cmd.Wait()
		if string(rest[:n]) != "got\n" || cmd.ProcessState.ExitCode() != 9 {
			t.Errorf("%s: %q, %v", name, rest[:n], cmd.ProcessState)
		}
	}
}

// As nohup and a shell's & start programs.
func TestIgnoredSignalsStayIgnored(t *testing.T) {
	for _, mode := range []string{"replace", "pipes", "pty"} {
		line := wrapper(mode, "sh", "-c", `kill -HUP $$; kill -INT $$; grep SigIgn /proc/self/status`)
		term := onTerminal(t, append([]string{"sh", "-c", `trap '' HUP INT; exec "$@"`, "sh"}, line...)...)
		term.expect("SigIgn:")
		if got := strings.TrimSpace(term.expect("\n")); !strings.HasSuffix(got, "3") {
			t.Errorf("%s: the command ignores %s", mode, got)
		}
		if ws := term.ends(); ws != 0 {
			t.Errorf("%s: it ended with %v", mode, ws)
		}
	}
}

func TestKilledEscenvWithoutATerminal(t *testing.T) {
	line := wrapper("pipes", "sh", "-c", `echo $$; exec sleep 300`)
	cmd := exec.Command(line[0], line[1:]...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	eventually(t, "the command ends", func() bool { return !alive(pid) })
}

func TestPagerKeepsItsKeys(t *testing.T) {
	term := onTerminal(t, "bash", "--norc", "--noprofile", "-i")
	term.expect("prompt> ")
	term.typed(inShell("pipes") + ` sh -c 'echo plan; exec sleep 300' | sh -c 'read -r x; echo "got $x"; read -r y </dev/tty; echo "key $y"'` + "\r")
	term.expect("got plan")
	term.typed("q\r")
	term.expect("key q")
	term.typed("\x03")
	term.expect("prompt> ")
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parentOf(t *testing.T, pid int) int {
	t.Helper()
	_, rest, _ := strings.Cut(readFile(t, fmt.Sprintf("/proc/%d/stat", pid)), ") ")
	parent, err := strconv.Atoi(strings.Fields(rest)[1])
	if err != nil {
		t.Fatal(err)
	}
	return parent
}
