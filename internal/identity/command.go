package identity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

const (
	commandTimeout = 30 * time.Second
	commandDelay   = 2 * time.Second // how long its pipes may outlive it
	maxComplaint   = 4096            // how much of what it says on stderr is kept
)

// A Command prints a token on its standard output.
type Command struct {
	Argv     []string         // the program, absolute, and its arguments; no shell reads them
	Environ  []string         // the program's environment
	Timeout  time.Duration    // how long it may take
	Now      func() time.Time // the clock
	Settings string           // the file that chose it, for hints
}

// NewCommand takes o.Command. It looks the program up on the PATH of o.Environ,
// once, so that a directory that is written to later cannot put another in its
// place. It returns an *esc.Error of kind NotFound if it is not there.
func NewCommand(o Options) (Command, error) {
	program := lookPath(o.Command[0], getenv(o.Environ, "PATH"))
	if program == "" {
		return Command{}, esc.Errorf(esc.NotFound, "there is no program %s on the PATH the agent was started with", o.Command[0]).
			WithHint("write identity.command in %s with an absolute path", o.Settings)
	}
	argv := append([]string{program}, o.Command[1:]...)
	return Command{Argv: argv, Environ: o.Environ, Timeout: commandTimeout, Now: o.Now, Settings: o.Settings}, nil
}

// String describes the source. Arguments can be secret, so they are not shown.
func (c Command) String() string { return "command " + c.Argv[0] }

// Token runs the program and takes what it prints. A program that fails, or
// does not end in time, is an *esc.Error of kind Unavailable with the end of
// what it said on stderr.
func (c Command) Token(ctx context.Context, req esc.TokenRequest) (esc.Token, error) {
	esc.Progress(ctx, "waiting for "+filepath.Base(c.Argv[0]))
	stdout, err := c.run(ctx)
	if err != nil {
		return esc.Token{}, err
	}
	return gate{c.String(), c.Settings, c.Now()}.admit(stdout, req)
}

func (c Command) run(ctx context.Context) (string, error) {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	stdout, stderr := capped{size: maxToken, strict: true}, capped{size: maxComplaint}
	cmd := exec.CommandContext(limited, c.Argv[0], c.Argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = c.Environ, &stdout, &stderr
	cmd.WaitDelay = commandDelay
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case stdout.full:
		return "", esc.Errorf(esc.Invalid, "%s printed more than the %d bytes a token can have", c, maxToken)
	case limited.Err() != nil:
		return "", esc.Errorf(esc.Unavailable, "%s did not end within %s", c, c.Timeout)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // that is a child it left behind
		return "", c.complain(err, string(stderr.text))
	}
	return string(stdout.text), nil
}

// complain makes an error of how the program ended and what it said last. It
// may have said the token, so anything that looks like one is left out.
func (c Command) complain(err error, stderr string) error {
	words := strings.Fields(stderr)
	for i, word := range words {
		if strings.Contains(word, "eyJ") || len(word) > 200 { // a JSON object in base64 begins so
			words[i] = esc.Hidden
		}
	}
	summary := fmt.Sprintf("%s failed: %v", c, err)
	if said := esc.OneLine(strings.Join(words, " "), 300); said != "" {
		summary += ": " + said
	}
	return &esc.Error{Kind: esc.Unavailable, Summary: summary, Hint: "run identity.command of " + c.Settings + " by hand", Err: err}
}

// capped keeps the first size bytes written to it. If it is strict, writing
// more fails, which ends whoever writes. It has no ReadFrom on purpose.
type capped struct {
	text   []byte
	size   int
	strict bool
	full   bool
}

func (w *capped) Write(p []byte) (int, error) {
	room := w.size - len(w.text)
	w.text = append(w.text, p[:min(room, len(p))]...)
	if len(p) <= room {
		return len(p), nil
	}
	w.full = true
	if w.strict {
		return room, errors.New("too long")
	}
	return len(p), nil
}

// lookPath finds a program as execvp does, but in absolute directories only;
// "" if it is nowhere.
func lookPath(name, path string) string {
	if filepath.IsAbs(name) {
		return name
	}
	if !strings.Contains(name, "/") {
		for _, dir := range filepath.SplitList(path) {
			file := filepath.Join(dir, name)
			if info, err := os.Stat(file); filepath.IsAbs(dir) && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return file
			}
		}
	}
	return ""
}
