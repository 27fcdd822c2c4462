package process_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Job control, in the shells and pipelines that people have.

// interactive shells, with nothing of the user's.
var shells = map[string][]string{
	"bash": {"bash", "--norc", "--noprofile", "-i"},
	"dash": {"dash", "-i"},
	"zsh":  {"zsh", "-f", "-i"},
	"fish": {"fish", "--no-config", "-i", "-C", "function fish_prompt; echo -n 'prompt> '; end; function fish_right_prompt; end; set -g fish_greeting"},
}

// inInteractive starts a shell, or skips the test where there is none.
func inInteractive(t *testing.T, shell string) *terminal {
	t.Helper()
	need(t, shell)
	term := onTerminal(t, shells[shell]...)
	term.expect("prompt> ")
	return term
}

// TestStopsInEveryShell: ^Z gives the prompt back, fg goes on, bg goes on
// without the keyboard until that is asked for, and the status arrives.
func TestStopsInEveryShell(t *testing.T) {
	for shell := range shells {
		for _, mode := range []string{"replace", "shared", "output", "pty"} {
			t.Run(shell+"/"+mode, func(t *testing.T) {
				t.Parallel()
				term := inInteractive(t, shell)
				term.typed(inShell(mode) + ` sh -c 'echo rea""dy; exec cat'` + "\r")
				term.expect("ready\r\n")
				term.typed("before\r")
				term.expect("before\r\nbefore\r\n")
				term.stops(mode)
				term.expect("prompt> ")
				term.typed("echo pro''mpted\r")
				term.expect("prompted")
				term.expect("prompt> ")
				term.typed("fg\r")
				term.eventuallyEchoes("after")
				term.typed("\x04")
				term.expect("prompt> ")
				term.typed("echo sta''tus\r")
				term.expect("status")
			})
		}
	}
}

// TestContinuesInTheBackground goes on there, and is not stopped once more by
// what ^Z sent: a matter of chance, hence more than once.
func TestContinuesInTheBackground(t *testing.T) {
	for _, mode := range []string{"replace", "shared", "output", "pty"} {
		for i := range 8 {
			t.Run(fmt.Sprint(mode, i), func(t *testing.T) {
				t.Parallel()
				term := inInteractive(t, "bash")
				done := t.TempDir() + "/done"
				term.typed(inShell(mode) + ` bash -c 'exec 3<> <(:); echo rea""dy; until test -e "$0"; do read -r -t 0.05 -u 3; done; echo work is do""ne' ` + done + "\r")
				term.expect("ready")
				term.stops(mode)
				term.expect("prompt> ")
				term.typed("bg; touch " + done + "\r")
				term.expect("work is done")
				term.typed("wait; echo sta''tus $?\r")
				term.expect("status 0")
			})
		}
	}
}

// TestStopsAPipeline: the whole job stops and goes on, wherever the command
// stands in it.
func TestStopsAPipeline(t *testing.T) {
	for _, mode := range []string{"replace", "pipes", "output", "pty"} {
		for name, line := range map[string]string{
			"first": inShell(mode) + ` sh -c 'echo rea""dy; while read -r x; do echo "got $x"; done' | cat`,
			"last":  `sh -c 'echo rea""dy; while read -r x </dev/tty; do echo "got $x"; done' | ` + inShell(mode) + ` cat`,
		} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				term := inInteractive(t, "bash")
				term.typed(line + "\r")
				term.expect("ready")
				term.typed("one\r")
				term.expect("got one")
				term.stops(mode)
				term.expect("Stopped")
				term.expect("prompt> ")
				term.typed("fg\r")
				term.expect("cat")
				term.typed("two\r")
				term.expect("got two")
				term.typed("\x03")
				term.expect("prompt> ")
				term.typed("echo still he''re\r")
				term.expect("still here")
			})
		}
	}
}

// TestVimSuspendsItself: it stops by :sus and by ^Z, both its own doing, with
// the terminal as the shell wants it, and paints itself again.
func TestVimSuspendsItself(t *testing.T) {
	need(t, "vim")
	for _, mode := range []string{"replace", "shared", "pty"} {
		for name, keys := range map[string]string{"sus": ":sus\r", "key": "\x1a"} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				term := inInteractive(t, "bash")
				file := t.TempDir() + "/text"
				write(t, file, "first line\n", 0o600)
				term.typed("TERM=xterm " + inShell(mode) + " vim -u NONE -i NONE -N " + file + "\r")
				term.expect("first line")
				term.typed(keys)
				term.expect("Stopped")
				term.expect("prompt> ")
				term.typed("stty -a | grep -o -e '-*icanon'\r")
				if modes := term.expect("icanon\r\n"); strings.HasSuffix(modes, "-icanon\r\n") {
					t.Errorf("the shell's terminal is %q", modes)
				}
				term.expect("prompt> ")
				term.typed("fg\r")
				term.expect("first line")
				term.typed("isecond \x1b:wq\r")
				term.expect("prompt> ")
				if got := readFile(t, file); got != "second first line\n" {
					t.Errorf("it wrote %q", got)
				}
			})
		}
	}
}

// TestStoppedEscenv: somebody stops escenv itself, and lets it go on.
func TestStoppedEscenv(t *testing.T) {
	term := inInteractive(t, "bash")
	term.typed(inShell("pty") + ` sh -c 'echo "parent $PPID"; exec cat'` + "\r")
	pid := parentOf(t, term.pidAfter("\nparent "))
	term.typed("one\r")
	term.expect("one\r\none\r\n")
	unix.Kill(pid, unix.SIGSTOP)
	term.expect("Stopped")
	term.expect("prompt> ")
	term.typed("fg\r")
	term.eventuallyEchoes("two")
	term.typed("\x04")
	term.expect("prompt> ")
	term.typed("echo status $?; stty -a | grep -o -e '-*icanon'\r")
	term.expect("status 0")
	if modes := term.expect("icanon\r\n"); strings.HasSuffix(modes, "-icanon\r\n") {
		t.Errorf("the shell's terminal is %q", modes)
	}
}

// TestTimeoutCommand: timeout(1) puts what it runs in the background of the
// terminal.
func TestTimeoutCommand(t *testing.T) {
	for _, mode := range []string{"replace", "pipes", "output", "pty"} {
		for _, command := range []string{"exec sleep 300", "exec cat"} {
			t.Run(mode+"/"+command, func(t *testing.T) {
				t.Parallel()
				term := inInteractive(t, "bash")
				term.typed("timeout 0.5 " + inShell(mode) + ` sh -c 'echo "pid $$"; ` + command + `'; echo sta''tus $?` + "\r")
				pid := term.pidAfter("\npid ")
				term.expect("status 124")
				eventually(t, "the command ends", func() bool { return !alive(pid) })
				term.expect("prompt> ")
				term.typed("stty -a | grep -o -e '-*icanon'\r")
				if modes := term.expect("icanon\r\n"); strings.HasSuffix(modes, "-icanon\r\n") {
					t.Errorf("the shell's terminal is %q", modes)
				}
			})
		}
	}
}

// TestInterruptOfAPipeline: everybody in it gets one.
func TestInterruptOfAPipeline(t *testing.T) {
	for _, mode := range []string{"replace", "pipes", "output", "pty"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			term := onTerminal(t, "sh", "-c", `trap : INT; `+inShell(mode)+
				` bash -c 'trap "echo interrupt" INT; echo ready; until test -e "$0"; do sleep 0.05; done; echo end' "$1" | sh -c 'trap "" INT; exec cat'`,
				"sh", t.TempDir()+"/go")
			term.expect("ready")
			term.typed("\x03")
			term.expect("interrupt")
			write(t, term.cmd.Args[len(term.cmd.Args)-1], "", 0o600)
			if rest := term.expect("end"); strings.Contains(rest, "interrupt") {
				t.Errorf("there was another: %q", rest)
			}
			term.ends()
		})
	}
}
