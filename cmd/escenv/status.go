//go:build !escenv_light

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

func (p *program) newStatusCommand() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "say what is loaded in this shell, and why",
		Description: help(`Shows what this shell has loaded and for how long it is good, which .escenv
counts here and whether it is allowed, whether the shell has the hook, and what
the agent keeps. Asks nobody but a running agent, and prints no values.`,
			plainExit, "escenv status --json"),
		Flags: []cli.Flag{jsonFlag(), &cli.BoolFlag{Name: "short", Usage: "one line for a prompt: the environment and its time left, or nothing"}},
		Action: func(c *cli.Context) error {
			if _, err := words(c, 0, 0); err != nil {
				return err
			}
			switch {
			case c.Bool("short") && c.Bool("json"):
				return usageError{"--short and --json exclude each other", helpOf(c)}
			case c.Bool("short"):
				return p.printShortStatus()
			}
			return p.runStatus(c.Context, c.Bool("json"))
		},
	}
}

// A shellStatus is what --json prints.
type shellStatus struct {
	Loaded *loadedStatus `json:"loaded"` // null if nothing is
	File   *fileStatus   `json:"file"`   // null if there is none
	Hook   hookStatus    `json:"hook"`
	Agent  *agentStatus  `json:"agent"`
}

type loadedStatus struct {
	Environment string    `json:"environment"`
	File        string    `json:"file,omitempty"` // empty if escenv exec set it
	Variables   []string  `json:"variables"`
	Expires     time.Time `json:"expires,omitzero"`
}

type fileStatus struct {
	Path         string   `json:"path"`
	Trust        string   `json:"trust"` // allowed, denied, not allowed or refused
	Environments []string `json:"environments,omitempty"`
	Problem      string   `json:"problem,omitempty"`
}

type hookStatus struct {
	Installed bool   `json:"installed"`
	Shell     string `json:"shell,omitempty"`
	Hint      string `json:"hint,omitempty"`
}

func (p *program) runStatus(ctx context.Context, asJSON bool) error {
	file, err := p.fileStatus()
	if err != nil {
		return err
	}
	agent, err := p.askAgent(ctx)
	if err != nil {
		return err
	}
	status := shellStatus{Loaded: p.loadedStatus(), File: file, Hook: p.hookStatus(os.Getppid()), Agent: agent}
	if asJSON {
		return p.printJSON(status)
	}
	return p.printStatus(status)
}

// loadedStatus reads the markers this shell exports.
func (p *program) loadedStatus() *loadedStatus {
	name := p.getenv(activation.MarkerEnv)
	if name == "" {
		return nil
	}
	l := &loadedStatus{Environment: name, File: p.getenv(activation.MarkerFile)}
	l.Variables = strings.FieldsFunc(p.getenv(activation.MarkerVars), func(r rune) bool { return r == ':' })
	l.Expires, _ = time.Parse(time.RFC3339, p.getenv(activation.MarkerExpires))
	return l
}

// fileStatus looks at the .escenv that counts here.
func (p *program) fileStatus() (*fileStatus, error) {
	dir, err := p.logicalDir()
	if err != nil {
		return nil, err
	}
	file, err := activation.Finder{UID: os.Getuid()}.Find(dir)
	switch {
	case file == nil:
		return nil, err
	case err != nil:
		return &fileStatus{Path: file.Path, Trust: "refused", Problem: err.Error()}, nil //nolint:nilerr // it is what status says
	}
	decisions, err := p.trust()
	if err != nil {
		return nil, err
	}
	verdict, err := decisions.Check(file.Canonical, file.Digest)
	f := &fileStatus{Path: file.Path, Trust: verdict.String(), Environments: file.Names()}
	if err != nil {
		f.Problem = err.Error()
	}
	return f, nil
}

// askAgent asks the agent what it keeps, if one is running.
func (p *program) askAgent(ctx context.Context) (*agentStatus, error) {
	path, err := p.socketPath()
	if err != nil {
		return nil, err
	}
	var result wire.StatusResult
	switch err := p.sharedClient(path).Call(ctx, wire.OpStatus, nil, &result); {
	case errors.Is(err, wire.ErrNoAgent):
		return &agentStatus{Socket: path}, nil
	case err != nil:
		return nil, err
	}
	return &agentStatus{Running: true, Socket: path, StatusResult: &result}, nil
}

// hookStatus says whether the shell with that process id has the hook: its
// marker is inherited by shells that may have none.
func (p *program) hookStatus(shell int) hookStatus {
	name, pid, _ := strings.Cut(p.getenv("ESCENV_HOOK"), ":")
	if pid == strconv.Itoa(shell) {
		return hookStatus{Installed: true, Shell: name}
	}
	switch filepath.Base(p.getenv("SHELL")) {
	case "zsh":
		return hookStatus{Hint: `add this line to ~/.zshrc: eval "$(escenv hook zsh)"`}
	case "fish":
		return hookStatus{Hint: "add this line to ~/.config/fish/config.fish: escenv hook fish | source"}
	}
	return hookStatus{Hint: `add this line to ~/.bashrc: eval "$(escenv hook bash)"`}
}

// printShortStatus prints what a prompt shows. It asks nobody.
func (p *program) printShortStatus() error {
	out := &printer{w: p.stdout}
	if l := p.loadedStatus(); l != nil {
		out.printf("%s%s\n", safe(l.Environment), p.timeLeft(l.Expires))
	}
	return out.err
}

// printStatus prints what people want to know, most important first.
func (p *program) printStatus(s shellStatus) error {
	out := &printer{w: p.stdout}
	p.printLoaded(out, s)
	switch {
	case s.File == nil:
		out.printf("file       none at or above this directory\n")
	case s.File.Problem != "":
		out.printf("file       %s, %s\n           %s\n", safe(s.File.Path), s.File.Trust, safe(s.File.Problem))
	default:
		out.printf("file       %s, %s: %s\n", safe(s.File.Path), s.File.Trust, safe(strings.Join(s.File.Environments, " ")))
	}
	if s.Hook.Installed {
		out.printf("hook       installed in this %s\n", safe(s.Hook.Shell))
	} else {
		out.printf("hook       not in this shell: %s\n", s.Hook.Hint)
	}
	if s.Agent.Running {
		p.printAgent(out, s.Agent.StatusResult)
	} else {
		out.printf("agent      not running; it is started when it is needed\n")
	}
	return out.err
}

func (p *program) printLoaded(out *printer, s shellStatus) {
	l := s.Loaded
	switch {
	case l == nil && s.Hook.Installed && s.File != nil && s.File.Trust == esc.Allowed.String():
		out.printf("loaded     nothing; escenv exec -- true says why\n")
		return
	case l == nil:
		out.printf("loaded     nothing\n")
		return
	}
	from := "by escenv exec"
	if l.File != "" {
		from = "from " + l.File
	}
	out.printf("loaded     %s%s %s\n", safe(l.Environment), p.timeLeft(l.Expires), safe(from))
	if len(l.Variables) > 0 {
		out.printf("variables  %s\n", safe(strings.Join(l.Variables, " ")))
	}
}
