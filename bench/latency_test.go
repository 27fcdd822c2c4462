package bench_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// marker ends a prompt.
const marker = "READY> "

// rcs set the prompt, load the hook and go where it has something to load.
var rcs = map[string]struct{ prompt, file string }{
	"bash": {"PS1='" + marker + "'\nHISTFILE=\n", "rc.bash"},
	"zsh":  {"PS1='" + marker + "'\nunsetopt zle prompt_sp\n", ".zshrc"},
	"fish": {"function fish_prompt; echo -n '" + marker + "'; end\nset -g fish_greeting\n", "rc.fish"},
}

// A session is an interactive shell on a terminal.
type session struct {
	b   *testing.B
	tty *os.File
	buf []byte
}

// BenchmarkLatency reports the time from the end of a line that is typed to the
// end of the next prompt, on a terminal, with the same contenders as
// BenchmarkPrompt. All shells are open at once and take turns.
func BenchmarkLatency(b *testing.B) {
	h := newHouse(b)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		b.Run(shell, func(b *testing.B) {
			if _, err := exec.LookPath(shell); err != nil {
				b.Skip(err)
			}
			sessions := map[string]*session{}
			for _, hook := range h.hooks(b) {
				sessions[hook.name] = h.session(b, shell, hook)
			}
			best := map[string]float64{}
			for b.Loop() {
				for name, s := range sessions {
					us := float64(s.enter().Nanoseconds()) / 1e3
					if least, ok := best[name]; !ok || us < least {
						best[name] = us
					}
				}
			}
			b.ReportMetric(0, "ns/op")
			report(b, best, "µs")
		})
	}
}

// session starts a shell with a hook where that has loaded something.
func (h *house) session(b *testing.B, shell string, hook hook) *session {
	b.Helper()
	home := b.TempDir()
	rc := rcs[shell].prompt
	if hook.line != "" {
		rc += strings.ReplaceAll(prompters[shell].load, "LINE", strings.ReplaceAll(hook.line, "NAME", shell)) + "\n"
	}
	file := filepath.Join(home, rcs[shell].file)
	h.write(b, file, rc+"cd "+hook.dir+"\n")
	argv := map[string][]string{
		"bash": {"bash", "--noprofile", "--rcfile", file, "-i"},
		"zsh":  {"zsh", "-d", "-i"},
		"fish": {"fish", "--no-config", "-i", "-C", "source " + file},
	}[shell]
	cmd := h.command(h.out, argv...)
	cmd.Env = append(cmd.Env, "ZDOTDIR="+home)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		tty.Close()
	})
	s := &session{b: b, tty: tty, buf: make([]byte, 64<<10)}
	s.prompt()
	for range 5 {
		s.enter() // what comes with the second prompt, and what is learnt, is over
	}
	if after := hook.after[shell]; after != "" {
		s.line(after)
	}
	return s
}

// enter presses Enter and returns the time until there is another prompt.
func (s *session) enter() time.Duration { return s.line("") }

func (s *session) line(text string) time.Duration {
	start := time.Now()
	if _, err := s.tty.WriteString(text + "\n"); err != nil {
		s.b.Fatal(err)
	}
	s.prompt()
	return time.Since(start)
}

// prompt waits for the end of the next prompt.
func (s *session) prompt() {
	s.b.Helper()
	if err := s.tty.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		s.b.Fatal(err)
	}
	var seen []byte
	for !bytes.HasSuffix(bytes.TrimRight(seen, "\x1b[?2004hlKmJ0= "), bytes.TrimSpace([]byte(marker))) {
		n, err := s.tty.Read(s.buf)
		if err != nil {
			s.b.Fatalf("%v: %q", err, seen)
		}
		seen = append(seen, s.buf[:n]...)
	}
}
