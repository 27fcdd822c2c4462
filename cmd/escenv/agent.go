//go:build !escenv_light

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

func (p *program) newAgentCommand() *cli.Command {
	return &cli.Command{
		Name:  "agent",
		Usage: "start, stop or look at the agent that keeps opened environments",
		Description: help(`The agent opens environments, keeps them in memory until shortly before they
expire, and gives them to escenv over a socket only you can reach. escenv starts
it by itself, and it ends by itself when nobody asks it anything for an hour
(agent: {idle: 1h} in config.yaml).`, plainExit, "escenv agent status"),
		Subcommands: []*cli.Command{
			p.agentCommand("start", "start the agent", `Starts the agent, unless this build's is running. Every command that needs it does
that by itself.`, p.runAgentStart),
			p.agentCommand("stop", "stop the agent", `Stops the agent. What it keeps in memory is gone; what shells have loaded stays
until it expires. The next command that needs the agent starts another.`, p.runAgentStop),
			p.newAgentStatusCommand(),
			p.agentCommand("forget", "drop every opened environment", `Drops every opened environment. Shells ask for theirs again at their next prompt.`, p.runAgentForget),
		},
	}
}

func (p *program) agentCommand(name, usage, text string, run func(context.Context) error) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage,
		Description: help(text, plainExit, "escenv agent "+name),
		Action: func(c *cli.Context) error {
			if _, err := words(c, 0, 0); err != nil {
				return err
			}
			return run(c.Context)
		},
	}
}

func (p *program) newAgentStatusCommand() *cli.Command {
	asJSON := false
	status := p.agentCommand("status", "say whether the agent runs, and what it keeps", "", func(ctx context.Context) error {
		return p.runAgentStatus(ctx, asJSON)
	})
	asked := jsonFlag()
	asked.Destination = &asJSON
	status.Flags = []cli.Flag{asked}
	status.Description = help("Prints names and times, never a value.", `0  the agent is running
1  it is not, or something went wrong; stderr says what
2  the command line was not understood`, "escenv agent status --json")
	return status
}

// runAgentStart starts the agent, and replaces one of another build.
func (p *program) runAgentStart(ctx context.Context) error {
	var status wire.StatusResult
	if err := p.callShared(ctx, wire.OpStatus, nil, &status); err != nil || status.Build == build.ID() {
		return err
	}
	path, err := p.socketPath()
	if err != nil {
		return err
	}
	return p.replaceAgent(ctx, p.sharedClient(path), path)
}

// runAgentStop ends the agent, if there is one.
func (p *program) runAgentStop(ctx context.Context) error {
	path, err := p.socketPath()
	if err != nil {
		return err
	}
	return p.unlessAbsent(p.sharedClient(path).Call(ctx, wire.OpLeave, nil, nil))
}

// runAgentForget has the agent forget, if there is one. One of another build
// forgets by being replaced.
func (p *program) runAgentForget(ctx context.Context) error {
	path, err := p.socketPath()
	if err != nil {
		return err
	}
	err = p.sharedClient(path).Call(ctx, wire.OpForget, nil, nil)
	if hasKind(err, esc.BuildMismatch) {
		err = p.callShared(ctx, wire.OpForget, nil, nil)
	}
	return p.unlessAbsent(err)
}

// unlessAbsent takes it for success that there is no agent: then there is
// nothing to stop or to forget.
func (p *program) unlessAbsent(err error) error {
	if errors.Is(err, wire.ErrNoAgent) {
		p.say("no agent is running")
		return nil
	}
	return err
}

// agentStatus is what --json prints.
type agentStatus struct {
	Running bool   `json:"running"`
	Socket  string `json:"socket"`
	*wire.StatusResult
}

func (p *program) runAgentStatus(ctx context.Context, asJSON bool) error {
	path, err := p.socketPath()
	if err != nil {
		return err
	}
	var result wire.StatusResult
	err = p.sharedClient(path).Call(ctx, wire.OpStatus, nil, &result)
	if err != nil && !errors.Is(err, wire.ErrNoAgent) {
		return err
	}
	status := agentStatus{Running: err == nil, Socket: path}
	if status.Running {
		status.StatusResult = &result
	}
	return p.printAgentStatus(status, asJSON)
}

func (p *program) printAgentStatus(status agentStatus, asJSON bool) error {
	out := &printer{w: p.stdout}
	switch {
	case asJSON:
		text, err := json.MarshalIndent(status, "", "  ")
		if err != nil {
			return err
		}
		out.printf("%s\n", text)
	case status.Running:
		p.printAgent(out, status.StatusResult)
	default:
		p.say("no agent is running")
	}
	if out.err == nil && !status.Running {
		return statusError(exitFailed)
	}
	return out.err
}

func (p *program) printAgent(out *printer, status *wire.StatusResult) {
	out.printf("agent      pid %d, build %s, since %s\n", status.PID, safe(status.Build), status.Started.Local().Format(time.DateTime))
	if status.Build != build.ID() {
		out.printf("           this is build %s: the agent is replaced when it is next needed\n", build.ID())
	}
	out.printf("identity   %s\n", safe(status.Identity))
	if status.Region != "" {
		out.printf("region     %s\n", safe(status.Region))
	}
	if status.Endpoint != "" {
		out.printf("endpoint   %s\n", safe(status.Endpoint))
	}
	var said []string
	for _, l := range status.Leases { // a shell and exec may have one each
		line := fmt.Sprintf("lease      %s, %s\n", safe(l.Name), p.lifetime(l))
		if !slices.Contains(said, line) {
			out.printf("%s", line)
			said = append(said, line)
		}
	}
}

// lifetime says how long a lease lasts.
func (p *program) lifetime(l wire.LeaseStatus) string {
	if l.Expires.IsZero() {
		return "does not expire"
	}
	left := func(t time.Time) time.Duration { return max(t.Sub(p.now()).Round(time.Second), 0) }
	return fmt.Sprintf("expires in %s, renewed in %s", left(l.Expires), left(l.Renew))
}
