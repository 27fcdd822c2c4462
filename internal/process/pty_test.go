package process_test

import (
	"bytes"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

func TestPtyMasksAndKeepsTheTerminal(t *testing.T) {
	term := onTerminal(t, wrapper("pty", "sh", "-c", `test -t 0 && test -t 1 && test -t 2 && echo "tty $SECRET"; tty`)...)
	term.expect("tty [secret]\r\n")
	term.expect("/dev/pts/")
	if ws := term.ends(); ws.ExitStatus() != 0 {
		t.Errorf("it ended with %v", ws)
	}
}

func TestPtyShowsPromptsAtOnce(t *testing.T) {
	term := onTerminal(t, wrapper("pty", "sh", "-c", `printf 'Password: '; read -r x; printf 'h'; read -r x; echo "$x"`)...)
	term.expect("Password: ")
	term.typed("one\r")
	term.expect("one\r\nh") // h is how the secret begins
	term.typed("two\r")
	term.expect("two\r\ntwo\r\n")
	term.ends()
}

func TestInterruptArrivesOnce(t *testing.T) {
	for _, mode := range []string{"replace", "pipes", "pty"} {
		t.Run(mode, func(t *testing.T) {
			term := onTerminal(t, wrapper(mode, "bash", "-c", `trap 'echo interrupt' INT; echo ready; until read -r -t 0.05; do :; done; echo end`)...)
			term.expect("ready")
			term.typed("\x03")
			term.expect("interrupt")
			term.typed("\r")
			if rest := term.expect("end"); strings.Contains(rest, "interrupt") {
				t.Errorf("there was another: %q", rest)
			}
			term.ends()
		})
	}
}

func TestEndBySignal(t *testing.T) {
	for _, mode := range []string{"replace", "pipes", "pty"} {
		for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGSEGV, syscall.SIGKILL, syscall.SIGPIPE} {
			t.Run(mode+"/"+signal.String(), func(t *testing.T) {
				name := strings.TrimPrefix(unix.SignalName(signal), "SIG")
				term := onTerminal(t, wrapper(mode, "sh", "-c", "kill -"+name+" $$")...)
				if ws := term.ends(); !ws.Signaled() || ws.Signal() != signal || ws.CoreDump() {
					t.Errorf("it ended with %v %q", ws, term.screen())
				}
				if term.screen() != "" {
					t.Errorf("it printed %q", term.screen())
				}
			})
		}
	}
}

func TestStopAndContinue(t *testing.T) {
	for _, mode := range []string{"replace", "pipes", "pty"} {
		t.Run(mode, func(t *testing.T) {
			term := onTerminal(t, "bash", "--norc", "--noprofile", "-i")
			term.expect("prompt> ")
			term.typed(inShell(mode) + " sh -c 'echo rea''dy; exec cat'\r")
			term.expect("ready\r\n")
			term.typed("before\r")
			term.expect("before\r\nbefore\r\n")
			term.stops(mode)
			term.expect("Stopped")
			term.expect("prompt> ")
			term.typed("stty -a | tr ';' '\\n' | grep -ow -e '-*icanon' -e '-*echo' -e '-*isig'\r")
			if modes := term.expect("echo\r\n"); strings.Contains(modes, "-icanon\r\n") || strings.Contains(modes, "-isig\r\n") {
				t.Errorf("the shell's terminal is %q", modes)
			}
			term.expect("prompt> ")
			term.typed("fg\r")
			term.expect("cat'\r\n")
			term.typed("after\r")
			term.expect("after\r\nafter\r\n")
			term.typed("\x04")
			term.expect("prompt> ")
			term.typed("echo status $?\r")
			term.expect("status 0")
		})
	}
}

func TestBackgroundAndForeground(t *testing.T) {
	term := onTerminal(t, "bash", "--norc", "--noprofile", "-i")
	term.expect("prompt> ")
	term.typed(inShell("pty") + " sh -c 'echo started; read -r x; echo got $x' &\r")
	term.expect("started")
	eventually(t, "it stops, as it wants to read", func() bool { // the shell says so at a prompt
		term.typed("\r")
		return strings.Contains(term.screen(), "Stopped")
	})
	term.expect("Stopped")
	term.expect("prompt> ")
	term.typed("fg\r")
	term.expect("got $x'\r\n")
	term.typed("this\r")
	term.expect("got this")
	term.expect("prompt> ")
	term.typed("echo status $?\r")
	term.expect("status 0")
}

func TestScriptIsStoppedWithItsCommand(t *testing.T) {
	term := onTerminal(t, "bash", "--norc", "--noprofile", "-i")
	term.expect("prompt> ")
	term.typed("sh -c '" + inShell("pty") + " sh -c \"echo rea\"\"dy; exec cat\"; echo script goes on'\r")
	term.expect("ready\r\n")
	term.typed("x\r")
	term.expect("x\r\nx\r\n")
	term.typed("\x1a")
	term.expect("Stopped")
	term.expect("prompt> ")
	term.typed("fg\r")
	term.expect("goes on'\r\n")
	term.typed("y\r")
	term.expect("y\r\ny\r\n")
	term.typed("\x04")
	term.expect("script goes on")
}

func TestBackgroundJobSurvives(t *testing.T) {
	term := onTerminal(t, wrapper("pty", "sh", "-c", `sleep 300 & echo "pid $!"`)...)
	pid := term.pidAfter("pid ")
	term.ends()
	if !alive(pid) {
		t.Error("the job was ended")
	}
}

func TestHeldPtyDoesNotHang(t *testing.T) {
	term := onTerminal(t, wrapper("pty", "sh", "-c", `setsid sleep 300 & echo "pid $!"; echo last`)...)
	term.pidAfter("pid ")
	term.expect("last")
	term.ends()
}

func TestAllOutputArrives(t *testing.T) {
	const size = 1 << 20
	term := onTerminal(t, wrapper("pty", "sh", "-c", `head -c 1048576 /dev/zero | tr '\0' x`)...)
	term.ends()
	eventually(t, "all of it", func() bool { return strings.Count(term.screen(), "x") == size })
}

func TestPasteArrives(t *testing.T) {
	term := onTerminal(t, wrapper("pty", "sh", "-c", `stty raw -echo; echo ready; head -c 300000 | cksum`)...)
	term.expect("ready")
	paste := bytes.Repeat([]byte("all work and no play \x03\x04\x1a"), 300000/24)
	go term.master.Write(paste)
	term.expect(" 300000")
	term.ends()
}

func TestWindowSize(t *testing.T) {
	term := onTerminal(t, wrapper("pty", "bash", "-c", `trap 'stty size' WINCH; stty size; until read -r -t 0.05; do :; done`)...)
	term.expect("33 111")
	if err := pty.Setsize(term.master, &pty.Winsize{Rows: 44, Cols: 122}); err != nil {
		t.Fatal(err)
	}
	term.expect("44 122")
	term.typed("\r")
	term.ends()
}

func TestNestedShell(t *testing.T) {
	term := onTerminal(t, wrapper("pty", "bash", "--norc", "--noprofile", "-i")...)
	term.expect("prompt> ")
	term.typed("sh -c 'echo rea''dy; exec cat'\r")
	term.expect("ready\r\n")
	term.typed("\x1a")
	term.expect("Stopped")
	term.expect("prompt> ")
	term.typed("fg\r")
	term.expect("cat'\r\n")
	term.typed("x\r")
	term.expect("x\r\nx\r\n")
	term.typed("\x03")
	term.expect("^C\r\n")
	term.typed("echo $SECRET\r")
	term.expect("\r\n[secret]\r\n")
	term.expect("prompt> ")
	term.typed("\x04")
	if ws := term.ends(); !ws.Exited() {
		t.Errorf("it ended with %v", ws)
	}
}

func TestTerminateReachesTheCommand(t *testing.T) {
	for _, mode := range []string{"pipes", "pty"} {
		t.Run(mode, func(t *testing.T) {
			term := onTerminal(t, wrapper(mode, "bash", "-c", `trap 'exit 7' TERM; echo ready; while :; do read -r -t 0.05; done`)...)
			before := term.modes()
			term.expect("ready")
			unix.Kill(term.cmd.Process.Pid, unix.SIGTERM)
			if ws := term.ends(); ws.ExitStatus() != 7 {
				t.Errorf("it ended with %v", ws)
			}
			if mode == "pipes" && term.modes() != before {
				t.Error("the terminal is not as it was")
			}
		})
	}
}

func TestKilledEscenv(t *testing.T) {
	term := onTerminal(t, "sh", "-c", `before=$(stty -g); `+inShell("pty")+` sh -c 'echo "pid $$"; echo "parent $PPID"; exec sleep 300'; echo status $?;
		for i in 1 2 3 4 5 6 7 8 9; do test "$(stty -g)" = "$before" && break; sleep 0.1; done; test "$(stty -g)" = "$before" && echo restored`)
	pid := term.pidAfter("pid ")
	monitor := term.pidAfter("parent ")
	unix.Kill(parentOf(t, monitor), unix.SIGKILL)
	term.expect("status 137")
	term.expect("restored")
	eventually(t, "the command ends", func() bool { return !alive(pid) })
}

// TestTheMonitorsArgumentsSayNothing: everybody on the machine can read them.
func TestTheMonitorsArgumentsSayNothing(t *testing.T) {
	term := onTerminal(t, wrapper("pty", "sh", "-c", `tr '\0' '|' </proc/$PPID/cmdline; echo; : "$0"`, "s3cret-argument")...)
	if shown := term.expect("\r\n"); !regexp.MustCompile(`^escenv: terminal monitor(\|\d+){4}\|\r\n$`).MatchString(shown) {
		t.Errorf("they are %q", shown)
	}
	term.ends()
}

// TestCrashedEscenv: whatever a crash prints holds no secret, even of what was
// in its hands, and the terminal is as it was.
func TestCrashedEscenv(t *testing.T) {
	for _, mode := range []string{"pipes-crash", "pty-crash"} {
		t.Run(mode, func(t *testing.T) {
			term := onTerminal(t, "sh", "-c", `before=$(stty -g); export GOTRACEBACK=system
				`+inShell(mode)+` sh -c 'echo "$SECRET"; echo $$ >"$1"; exec sleep 300' sh "$1"; echo status $?
				for i in 1 2 3 4 5 6 7 8 9; do test "$(stty -g)" = "$before" && break; sleep 0.1; done
				test "$(stty -g)" = "$before" && echo restored; echo "pid $(cat "$1")"; read -r x`, "sh", t.TempDir()+"/pid")
			shown := term.expect("status 2")
			shown += term.expect("restored")
			if strings.Contains(shown, secret) || !strings.Contains(shown, "panic: ") || !strings.Contains(shown, "goroutine ") {
				t.Errorf("it printed %q", shown)
			}
			pid := term.pidAfter("pid ")
			eventually(t, "the command ends", func() bool { return !alive(pid) })
		})
	}
}

func TestTerminalThatDisappears(t *testing.T) {
	term := onTerminal(t, wrapper("pty", "sh", "-c", `echo "pid $$"; exec sleep 300`)...)
	pid := term.pidAfter("pid ")
	term.slave.Close()
	term.master.Close()
	term.ends()
	eventually(t, "the command ends", func() bool { return !alive(pid) })
}

func TestTerminalThatControlsNobody(t *testing.T) {
	term := onTerminal(t, append([]string{"setsid", "--wait"}, wrapper("pty", "sh", "-c", `echo ready; read -r x; echo "got $x"`)...)...)
	term.expect("ready")
	term.typed("this\r")
	term.expect("got this")
	term.ends()
}

func TestTimeout(t *testing.T) {
	for _, mode := range []string{"pipes", "pty"} {
		term := onTerminal(t, "sh", "-c", "timeout --foreground 0.3 "+inShell(mode)+` sh -c 'echo "pid $$"; exec sleep 300'; echo status $?`)
		pid := term.pidAfter("pid ")
		term.expect("status 124")
		if alive(pid) {
			t.Errorf("%s: the command goes on", mode)
		}
		term.ends()
	}
}

func TestTerminalIsRestored(t *testing.T) {
	for name, script := range map[string]string{
		"exit":    "exit 3",
		"signal":  "kill -TERM $$",
		"raw":     "stty raw -echo; exit 0",
		"killed":  "kill -KILL $$",
		"no such": "exec /no/such/command",
	} {
		t.Run(name, func(t *testing.T) {
			term := onTerminal(t, "sh", "-c", `before=$(stty -g); `+inShell("pty")+` sh -c "$1"; test "$(stty -g)" = "$before" && echo restored`, "sh", script)
			term.expect("restored")
			term.ends()
		})
	}
}

func TestStandardErrorElsewhere(t *testing.T) {
	file := t.TempDir() + "/err"
	term := onTerminal(t, "sh", "-c", inShell("pty")+` sh -c 'test -t 1 && echo tty; echo "$SECRET" >&2; test -t 2 || echo not >&2' 2>`+file)
	term.expect("tty")
	term.ends()
	if got := readFile(t, file); got != "[secret]\nnot\n" {
		t.Errorf("stderr got %q", got)
	}
}

func TestOtherFilesReachTheCommand(t *testing.T) {
	plain := ""
	for _, runner := range []string{"", inShell("replace"), inShell("pipes"), inShell("pty")} {
		term := onTerminal(t, "bash", "-c", runner+` sh -c 'cat <&3; cat $0; ls /proc/self/fd | wc -l' <(echo five) 3<<<three; exit`)
		term.expect("three\r\nfive\r\n")
		count := term.expect("\n")
		if runner == "" {
			plain = count
		} else if count != plain {
			t.Errorf("%s: the command has %q files, not %q", runner, count, plain)
		}
		term.ends()
	}
}
