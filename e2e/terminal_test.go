package e2e

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

const (
	columns, rows = 200, 50
	patience      = 60 * time.Second
	prompt        = "READY>"
)

// A terminal is an interactive shell with somebody in front of its screen.
type terminal struct {
	t       *testing.T
	file    *os.File
	changed chan struct{}

	mu     sync.Mutex
	screen *vt.SafeEmulator
}

// shells says, for each shell, how to start it, its startup file, and what is
// in there: a prompt of ours and the line that install.sh tells people to add.
var shells = map[string]struct {
	args       []string
	file, text string
}{
	"bash": {[]string{"bash", "--noprofile", "-i"}, ".bashrc", `
PS1='READY> '
eval "$(escenv hook bash)"
`},
	"zsh": {[]string{"zsh", "-i"}, ".zshrc", `
PS1='READY> '
eval "$(escenv hook zsh)"
`},
	"fish": {[]string{"fish", "-i"}, "config/fish/config.fish", `
set -g fish_greeting
function fish_prompt; echo 'READY> '; end
escenv hook fish | source
`},
}

// startTerminal runs cmd on a terminal of its own and waits for its prompt.
func startTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: rows, Cols: columns})
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{
		t: t, file: file, changed: make(chan struct{}, 1),
		screen: vt.NewSafeEmulator(columns, rows),
	}
	record := lab.output(t, "terminal")
	go io.Copy(file, term.screen) // what a terminal answers when it is asked
	go term.show(record)
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		file.Close()
	})
	term.wait("a first prompt", func(screen string) bool { return lastLine(screen) == prompt })
	return term
}

// show brings what the shell prints to the screen, and keeps it.
func (term *terminal) show(record *os.File) {
	defer record.Close()
	buf := make([]byte, 4096)
	for {
		n, err := term.file.Read(buf)
		record.Write(buf[:n])
		term.mu.Lock()
		term.screen.Write(buf[:n])
		term.mu.Unlock()
		select {
		case term.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// text returns the screen without the blanks at the ends of its lines.
func (term *terminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	lines := strings.Split(term.screen.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// wait returns when the screen is as it should be.
func (term *terminal) wait(what string, ok func(screen string) bool) {
	term.t.Helper()
	deadline := time.After(patience)
	for !ok(term.text()) {
		select {
		case <-term.changed:
		case <-deadline:
			term.t.Fatalf("waited for %s; the screen is\n%s", what, term.text())
		}
	}
}

// run types a line on a clear screen, waits for the next prompt and returns
// what stands between the two.
func (term *terminal) run(line string) string {
	term.t.Helper()
	term.file.WriteString("\f")
	term.wait("a clear screen", func(screen string) bool { return screen == prompt })
	term.file.WriteString(line + "\r")
	term.wait("a prompt after "+line, func(screen string) bool {
		return strings.HasPrefix(screen, prompt+" ") && lastLine(screen) == prompt
	})
	_, output, _ := strings.Cut(term.text(), "\n")
	return strings.TrimSuffix(strings.TrimSuffix(output, prompt), "\n")
}

func lastLine(screen string) string { return screen[strings.LastIndex(screen, "\n")+1:] }
