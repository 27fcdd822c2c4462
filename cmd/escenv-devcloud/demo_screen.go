package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
)

// The shell marks its prompt the way terminals know from shell integration:
// the status of what ended, then the prompt's start.
const (
	markEnd    = "\x1b]133;D;"
	markPrompt = "\x1b]133;A\a"
	patience   = time.Minute
)

// A screen is a shell on a pty. What it shows goes to the person's screen, and
// is kept to be looked at.
type screen struct {
	d    *demo
	cmd  *exec.Cmd
	pty  *os.File
	gone chan struct{} // the shell has ended
	line []byte        // of what is not for a terminal: begun, and not passed on yet

	mu    sync.Mutex
	shown bytes.Buffer
	more  chan struct{} // something was shown
}

// openShell starts the person's shell, interactive, with escenv's hook.
func (d *demo) openShell(ctx context.Context) (*screen, error) {
	args, err := d.rcFiles()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, d.shell, args...)
	cmd.Dir, cmd.Env = d.path("home"), d.shellEnviron()
	size, err := pty.GetsizeFull(d.stdout)
	if err != nil || size.Cols == 0 {
		size = &pty.Winsize{Rows: 40, Cols: 120}
	}
	file, err := pty.StartWithSize(cmd, size)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", d.shell, err)
	}
	s := &screen{d: d, cmd: cmd, pty: file, gone: make(chan struct{}), more: make(chan struct{}, 1)}
	go s.show()
	if _, err := s.prompt(ctx, 1); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// rcFiles writes what the shell reads at start and returns its arguments.
func (d *demo) rcFiles() (args []string, err error) {
	if d.shell, err = exec.LookPath(d.getenv("SHELL")); err != nil {
		d.shell = "" // bash will do
	}
	switch filepath.Base(d.shell) {
	case "zsh":
		return []string{"-i"}, d.write("home/.zshrc", `unsetopt prompt_sp; setopt interactive_comments
PS1=$'\n%{\e]133;D;%?\a\e]133;A\a%}%~ $ '
eval "$(escenv hook zsh)"
`)
	case "fish":
		return []string{"-i"}, d.write("home/.config/fish/config.fish", `set -g fish_greeting
function fish_prompt; printf '\n\e]133;D;%s\a\e]133;A\a%s > ' $status (prompt_pwd); end
escenv hook fish | source
`)
	}
	d.shell, err = exec.LookPath("bash")
	if err != nil {
		return nil, errors.New("the demo needs bash")
	}
	return []string{"--rcfile", d.path("home/.bashrc"), "-i"}, d.write("home/.bashrc", `bind 'set enable-bracketed-paste off' 2>/dev/null
PS1='\n\[\e]133;D;$?\a\e]133;A\a\]\w $ '
eval "$(escenv hook bash)"
`)
}

// show copies what the shell writes until it ends.
func (s *screen) show() {
	defer close(s.gone)
	buffer := make([]byte, 4096)
	for {
		n, err := s.pty.Read(buffer)
		if n > 0 {
			s.pass(buffer[:n])
			s.mu.Lock()
			s.shown.Write(buffer[:n])
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
		}
		if err != nil {
			return
		}
	}
}

// controls are what steers a terminal and means nothing in a file.
var controls = regexp.MustCompile(`\x1b\][^\a]*\a|\x1b\[[0-9;?]*[A-Za-z]|\x1b[()=>][0-9AB]?|\r`)

// pass hands on what the shell wrote: as it is to a terminal, line by line and
// without controls to anything else.
func (s *screen) pass(written []byte) {
	if !s.d.paced {
		s.line = append(s.line, written...)
		end := bytes.LastIndexByte(s.line, '\n') + 1
		written = controls.ReplaceAll(s.line[:end], nil) // a copy
		s.line = s.line[end:]
	}
	_, _ = s.d.stdout.Write(written) // nobody may be there to see
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

func (s *screen) prompts() int { return strings.Count(s.text(), markPrompt) }

// prompt waits for the n-th prompt and returns everything shown.
func (s *screen) prompt(ctx context.Context, n int) (string, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if text := s.text(); strings.Count(text, markPrompt) >= n {
			return text, nil
		}
		select {
		case <-s.more:
		case <-s.gone:
			return "", errors.New("the shell has ended")
		case <-ctx.Done():
			return "", ctx.Err()
		case <-late.C:
			return "", fmt.Errorf("no prompt within %s", patience)
		}
	}
}

// enter types a line and returns what it showed, and its status.
func (s *screen) enter(ctx context.Context, line string) (shown string, status int, err error) {
	before := len(s.text())
	n := s.prompts()
	if err := s.typed(ctx, line+"\r"); err != nil {
		return "", 0, err
	}
	text, err := s.prompt(ctx, n+1)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", line, err)
	}
	_, shown, _ = strings.Cut(text[before:], "\n")
	at := strings.LastIndex(shown, markEnd)
	if at < 0 {
		return shown, 0, nil
	}
	digits, _, _ := strings.Cut(shown[at+len(markEnd):], "\a")
	status, err = strconv.Atoi(digits)
	return shown[:at], status, err
}

// typed writes text, at the pace of a person if one is watching.
func (s *screen) typed(ctx context.Context, text string) error {
	if !s.d.paced {
		_, err := s.pty.WriteString(text)
		return err
	}
	s.d.pause(ctx, 300*time.Millisecond)
	for _, r := range text {
		if _, err := s.pty.WriteString(string(r)); err != nil {
			return err
		}
		s.d.pause(ctx, 8*time.Millisecond)
	}
	return ctx.Err()
}

// pause lets a person read.
func (d *demo) pause(ctx context.Context, long time.Duration) {
	if !d.paced {
		return
	}
	select {
	case <-time.After(long):
	case <-ctx.Done():
	}
}

// leave ends the shell as a person does.
func (s *screen) leave(ctx context.Context) error {
	if err := s.typed(ctx, "exit\r"); err != nil {
		return err
	}
	select {
	case <-s.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(patience):
		return errors.New("the shell does not leave")
	}
}

// close ends the shell, whatever it is at.
func (s *screen) close() {
	_ = s.pty.Close() // the shell gets a hangup
	done := make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // its status says nothing more
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
		_ = s.cmd.Process.Kill() // it may have ended just now
		<-done
	}
}
