package process_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// What goes through: keys, pastes, files, window sizes, and terminals that are
// not all there.

// TestPipedInputOnATerminal: what is piped in never passes a terminal, which
// would take some of it for keys.
func TestPipedInputOnATerminal(t *testing.T) {
	binary := make([]byte, 1<<16)
	for i := range binary {
		binary[i] = byte(i * 7)
	}
	for name, in := range map[string]string{
		"control characters": "a\x03b\x04c\x1ad\x1c",
		"a long line":        strings.Repeat("x", 5001) + "\n",
		"binary":             string(binary),
		"nothing":            "",
	} {
		for _, mode := range []string{"pipes", "output", "pty"} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				file := t.TempDir() + "/in"
				write(t, file, in, 0o600)
				term := onTerminal(t, "sh", "-c", `cat "$1" | `+inShell(mode)+` sha256sum`, "sh", file)
				sum := sha256.Sum256([]byte(in))
				term.expect(hex.EncodeToString(sum[:]))
				if ws := term.ends(); ws != 0 {
					t.Errorf("it ended with %v", ws)
				}
			})
		}
	}
}

// TestLessKeepsItsKeys, in front of escenv and behind it.
func TestLessKeepsItsKeys(t *testing.T) {
	need(t, "less")
	for mode, places := range map[string]string{"replace": "behind inside", "output": "behind", "pty": "behind inside"} {
		for name, line := range map[string]string{
			"behind": inShell(mode) + ` sh -c 'seq -f "plan %.0f" 500; echo note >&2' | less`,
			"inside": `seq -f "plan %.0f" 500 | ` + inShell(mode) + ` less`,
		} {
			if !strings.Contains(places, name) {
				continue // it would look for keys on the terminal of its stderr
			}
			t.Run(mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				term := inInteractive(t, "bash")
				term.typed("LESS= TERM=xterm; export TERM; " + line + "\r")
				term.expect("plan 20\r")
				term.typed("G")
				term.expect("plan 500\r")
				term.typed("q")
				term.expect("prompt> ")
				term.typed("echo sta''tus $?\r")
				term.expect("status 0")
			})
		}
	}
}

// TestCommandAsksForTheKeyboard: with its input piped it gets the terminal
// when it asks for it, and the terminal is set back.
func TestCommandAsksForTheKeyboard(t *testing.T) {
	for _, mode := range []string{"pipes", "output", "pty"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			term := onTerminal(t, "sh", "-c", `before=$(stty -g); echo piped | `+inShell(mode)+
				` sh -c 'read -r x; echo "read $x"; read -r y </dev/tty; echo "key $y"'; test "$(stty -g)" = "$before" && echo restored`)
			term.expect("read piped")
			term.typed("this\r")
			term.expect("key this")
			term.expect("restored")
			term.ends()
		})
	}
}

// TestRawProgram: one like ssh gets every key as it is typed.
func TestRawProgram(t *testing.T) {
	for _, mode := range []string{"replace", "shared", "pty"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			term := onTerminal(t, wrapper(mode, "sh", "-c", `stty raw -echo; echo ready; head -c 7 | od -An -tx1`)...)
			term.expect("ready")
			term.typed("\x03\x1a\x04\x1c\r\x11\xff")
			term.expect("03 1a 04 1c 0d 11 ff")
			term.ends()
		})
	}
}

// TestHugePaste: five megabytes go in and come out again at the same time.
func TestHugePaste(t *testing.T) {
	const size = 5 << 20
	paste := bytes.Repeat([]byte("all work and no play makes\x03\x04\x1a\x11\x13\n"), size/32)[:size]
	term := onTerminal(t, wrapper("pty", "sh", "-c", fmt.Sprintf(`stty raw -echo; echo ready; head -c %d | tee /dev/tty | sha256sum; echo end`, size))...)
	term.expect("ready\n")
	go term.master.Write(paste)
	sum := sha256.Sum256(paste)
	got := term.expectWithin(hex.EncodeToString(sum[:]), 3*patience)
	if !strings.Contains(got, string(paste)) {
		t.Errorf("%d bytes came back, and not those", len(got))
	}
	term.ends()
}

// TestWindowSizeFromTheStart: a program that looks at once sees it, on each of
// its streams.
func TestWindowSizeFromTheStart(t *testing.T) {
	for mode, script := range map[string]string{
		"shared": `stty size`, "pty": `stty size; stty size <&1; stty size <&2`, "output": `stty size; stty size <&1; stty size <&2`,
	} {
		term := onTerminal(t, wrapper(mode, "sh", "-c", script+"; echo end")...)
		got := strings.TrimSuffix(term.expect("end"), "end")
		if want := strings.Repeat("33 111\r\n", strings.Count(script, "size")); got != want {
			t.Errorf("%s: %q", mode, got)
		}
		term.ends()
	}
}

// TestResizeStorm: of however many sizes, the last one arrives.
func TestResizeStorm(t *testing.T) {
	for _, mode := range []string{"shared", "output", "pty"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			term := onTerminal(t, wrapper(mode, "bash", "-c", `echo ready; until test "$(stty size <&2)" = "77 177"; do sleep 0.02; done; echo arrived`)...)
			term.expect("ready")
			for i := range 2000 {
				size := pty.Winsize{Rows: uint16(20 + i%60), Cols: uint16(80 + i%90)}
				if err := pty.Setsize(term.master, &size); err != nil {
					t.Fatal(err)
				}
			}
			if err := pty.Setsize(term.master, &pty.Winsize{Rows: 77, Cols: 177}); err != nil {
				t.Fatal(err)
			}
			term.expect("arrived")
			term.ends()
		})
	}
}

// TestResizeIsAnnounced: who has a terminal only for output hears of a new
// size when it can be seen.
func TestResizeIsAnnounced(t *testing.T) {
	done := t.TempDir() + "/done"
	term := onTerminal(t, wrapper("output", "dash", "-c", `trap 'stty size <&1' WINCH; echo ready; until test -e "$0"; do sleep 0.02; done`, done)...)
	term.expect("ready")
	if err := pty.Setsize(term.master, &pty.Winsize{Rows: 44, Cols: 122}); err != nil {
		t.Fatal(err)
	}
	term.expect("44 122")
	write(t, done, "", 0o600)
	term.ends()
}

func TestOutputKeepsTheTerminal(t *testing.T) {
	term := onTerminal(t, wrapper("output", "sh", "-c", `test -t 0 && test -t 1 && test -t 2 && echo "tty $SECRET"; tty`)...)
	term.expect("tty [secret]\r\n")
	if name := strings.TrimSpace(term.expect("\n")); name != term.slave.Name() {
		t.Errorf("its terminal is %s, not %s", name, term.slave.Name())
	}
	term.ends()
}

// TestTerminalOutOfNothing: --tty=always gives a command one where there is
// none.
func TestTerminalOutOfNothing(t *testing.T) {
	out, errs, ws := run(t, "pty", "piped\n", "sh", "-c", `test -t 1 && echo "tty $SECRET"; stty size </dev/tty; cat; echo "err $SECRET" >&2; exit 3`)
	if out != "tty [secret]\r\n24 80\r\npiped\r\n" || errs != "err [secret]\n" || ws.ExitStatus() != 3 {
		t.Errorf("%q %q %v", out, errs, ws)
	}
}

func TestRelayLeavesBytesAlone(t *testing.T) {
	term := onTerminal(t, wrapper("relay", "sh", "-c", `test -t 1 && echo "tty $SECRET"`)...)
	term.expect("tty " + secret + "\r\n")
	term.ends()
}

func TestClosedStreamsOnATerminal(t *testing.T) {
	for _, mode := range []string{"output", "pty"} {
		for script, want := range map[string]string{
			` sh -c 'cat; echo end' <&-`:               "end",
			` sh -c 'echo x; exit 4' >&-; echo end $?`: "end ",
			` sh -c 'echo x; exit 0' <&- 2>&-`:         "x",
		} {
			term := onTerminal(t, "bash", "-c", inShell(mode)+script)
			term.expect(want)
			term.ends()
		}
	}
}

// TestEarlySignals: however early they come, the terminal is as it was.
func TestEarlySignals(t *testing.T) {
	term := onTerminal(t, "bash", "-c", `before=$(stty -g)
		for delay in 0 0.001 0.002 0.003 0.004 0.005 0.006 0.008 0.01 0.015 0.02 0.03; do
			for signal in TERM HUP INT QUIT ALRM USR1 KILL; do
				`+inShell("pty")+` sleep 300 & pid=$!
				( sleep $delay; kill -$signal $pid; sleep 0.2; kill -KILL $pid 2>/dev/null ) & fg >/dev/null 2>&1 || wait $pid 2>/dev/null
				test "$(stty -g)" = "$before" || { sleep 0.3; test "$(stty -g)" = "$before" || echo "$delay $signal: not restored"; }
			done
		done; echo storm over`)
	if shown := term.expectWithin("storm over", 5*patience); strings.Contains(shown, "not restored") {
		t.Error(shown)
	}
	term.ends()
}

// TestStoppedJob: a SIGSTOP that a shell sends to the job stops the command, too,
// where that is in the job's process group.
func TestStoppedJob(t *testing.T) {
	for _, mode := range []string{"shared", "pipes", "output"} {
		t.Run(mode, func(t *testing.T) {
			term := inInteractive(t, "bash")
			term.typed(inShell(mode) + ` sh -c 'echo num""ber $$; exec sleep 300' &` + "\r")
			pid := term.pidAfter("number ")
			term.typed("kill -STOP %1\r")
			eventually(t, "the command stops", func() bool { return stateOf(t, pid) == "T" })
			term.typed("kill -CONT %1\r")
			eventually(t, "the command goes on", func() bool { return stateOf(t, pid) == "S" })
			term.typed("kill %1; wait %1; echo sta''tus $?\r")
			term.expect("status 143")
		})
	}
}

// stateOf returns the state of a process as ps shows it.
func stateOf(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[:1]
}

// TestTypedAhead: what is typed before there is a command is the command's.
func TestTypedAhead(t *testing.T) {
	for range 10 {
		term := onTerminal(t, wrapper("pty", "sh", "-c", `read -r x; echo "got $x"`)...)
		term.typed("early\r")
		term.expect("got early")
		term.ends()
	}
}

// TestFirstProcess: as the first process of a container escenv waits for what
// others leave behind, and its status is the command's.
func TestFirstProcess(t *testing.T) {
	if err := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").Run(); err != nil {
		t.Skip("needs a process namespace: ", err)
	}
	script := `for i in 1 2 3; do setsid sh -c 'sleep 0.05 & exit' & done; wait
		for i in $(seq 100); do sleep 0.05; grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null | grep -q . || { echo none left; exit 6; }; done`
	line := append([]string{"unshare", "--pid", "--fork", "--mount-proc"}, wrapper("shared", "sh", "-c", script)...)
	out, err := exec.Command(line[0], line[1:]...).Output()
	var exit *exec.ExitError
	if string(out) != "none left\n" || !asExit(err, &exit) || exit.ExitCode() != 6 {
		t.Errorf("%q, %v", out, err)
	}
}

// TestTimeLimit: a command that does not end when it is told to is ended.
func TestTimeLimit(t *testing.T) {
	for _, mode := range []string{"shared", "pipes", "output", "pty"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			term := onTerminal(t, append([]string{"env", "WRAP_TIMEOUT=300ms"}, wrapper(mode, "sh", "-c", `trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.05; done`)...)...)
			term.expect("ready")
			term.expect("told")
			if ws := term.ends(); ws.ExitStatus() != 5 || time.Since(began) > patience {
				t.Errorf("it ended with %v", ws)
			}
		})
	}
}

// TestNestedEscenv: one inside the other, each with a terminal of its own.
func TestNestedEscenv(t *testing.T) {
	term := onTerminal(t, wrapper("pty", wrapper("pty", "bash", "--norc", "--noprofile", "-i")...)...)
	term.expect("prompt> ")
	term.typed("stty size; echo $SECRET\r")
	term.expect("33 111\r\n[secret]\r\n")
	term.typed("sh -c 'echo rea''dy; exec cat'\r")
	term.expect("ready\r\n")
	term.typed("\x1a")
	term.expect("Stopped")
	term.expect("prompt> ")
	term.typed("fg\r")
	term.eventuallyEchoes("again")
	term.typed("\x04")
	term.expect("prompt> ")
	term.typed("exit 3\r")
	if ws := term.ends(); ws.ExitStatus() != 3 {
		t.Errorf("it ended with %v", ws)
	}
}

// TestNothingIsLeftOpen: neither a process nor a descriptor of ours outlives
// the command.
func TestNothingIsLeftOpen(t *testing.T) {
	term := onTerminal(t, wrapper("pty", "sh", "-c", `echo "monitor $PPID"`)...)
	pid := term.pidAfter("monitor ")
	term.ends()
	eventually(t, "the monitor ends", func() bool { return !alive(pid) })
	if front, err := unix.IoctlGetInt(int(term.slave.Fd()), unix.TIOCGPGRP); err == nil && alive(front) {
		t.Errorf("process group %d has the terminal", front)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil && alive(pid) {
		t.Error("the monitor goes on")
	}
}
