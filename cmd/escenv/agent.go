//go:build !escenv_light

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/wire"
)

func (p *program) newAgentCommand() *cli.Command {
	return &cli.Command{
		Name:  "agent",
		Usage: "start, stop or look at the agent that keeps opened environments",
		Description: help(`The agent opens environments, keeps them in memory until shortly before they
expire, and gives them to escenv over a socket only you can reach. What a live
shell or command uses it renews ahead of time. escenv starts it by itself, and it
ends by itself when nobody asks it anything for an hour and nobody uses what it
keeps (agent: {idle: 1h} in config.yaml).`, plainExit, "escenv agent status"),
		Subcommands: []*cli.Command{
			p.agentCommand("start", "start the agent", `Starts the agent, unless this build's is running. Every command that needs it does
that by itself.`, p.runAgentStart),
			p.agentCommand("stop", "stop the agent", `Stops the agent. What it keeps in memory is gone; what shells have loaded stays
until it expires. The next command that needs the agent starts another.`, p.runAgentStop),
			p.newAgentStatusCommand(),
			p.agentCommand("lock", "drop everything and open nothing until unlocked", `Drops every opened environment and opens none, for nobody, until escenv agent
unlock: each shell puts its variables away at its next prompt. Stopping the agent
does not unlock it; a reboot does. Commands that run keep what they have, and
--no-agent asks no agent: a lock is for leaving the desk, not against programs of
your own.`, p.runAgentLock),
			p.agentCommand("unlock", "open environments again", `Ends escenv agent lock. Each shell loads its environment again at its next prompt.`, p.runAgentUnlock),
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

// runAgentLock locks the agent, which is started to know it.
func (p *program) runAgentLock(ctx context.Context) error {
	return p.callShared(ctx, wire.OpLock, nil, nil)
}

// runAgentUnlock unlocks it again. One that was stopped is started, because the
// next would be locked, too.
func (p *program) runAgentUnlock(ctx context.Context) error {
	return p.callShared(ctx, wire.OpUnlock, nil, nil)
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
		out.printf("%s\n", safeJSON(text))
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
	if status.Locked {
		out.printf("locked     opens nothing until: escenv agent unlock\n")
	}
	for _, l := range status.Leases {
		out.printf("lease      %s, %s%s\n", safe(l.Name), p.lifetime(l), heldBy(l.Holders))
		p.printDelay(out, l.Delay, l.Renew)
	}
	p.printOpened(out, status)
}

// printOpened prints the environments in memory that rest on no lease, and those
// that could not be opened again, unless a lease says why.
func (p *program) printOpened(out *printer, status *wire.StatusResult) {
	var said []string // a shell and exec may have one each
	for _, l := range status.Leases {
		said = append(said, l.Problem)
	}
	for _, e := range status.Environments {
		words := cmp.Or(e.Problem, e.Name+heldBy(e.Holders))
		switch {
		case slices.Contains(said, words):
			continue
		case e.Problem != "":
			out.printf("problem    %s was not opened again\n", safe(e.Name))
			p.printDelay(out, e.Delay, e.Renew)
		case e.Expires.IsZero():
			out.printf("opened     %s, does not expire%s\n", safe(e.Name), heldBy(e.Holders))
		}
		said = append(said, words)
	}
}

// printDelay prints why something was not renewed, and what comes next.
func (p *program) printDelay(out *printer, d wire.Delay, next time.Time) {
	if d.Problem == "" {
		return
	}
	out.printf("           not renewed since %s: %s\n", d.Since.Local().Format(time.DateTime), safe(p.named(d.Problem)))
	if d.Hint != "" {
		out.printf("           hint: %s\n", safe(d.Hint))
	}
	out.printf("           tried again in %s\n", p.until(next))
}

// heldBy says for how many processes something is kept fresh.
func heldBy(holders int) string {
	switch holders {
	case 0:
		return ""
	case 1:
		return ", in use by 1 process"
	}
	return fmt.Sprintf(", in use by %d processes", holders)
}

// lifetime says how long a lease lasts.
func (p *program) lifetime(l wire.LeaseStatus) string {
	if l.Expires.IsZero() {
		return "does not expire"
	}
	switch left := p.until(l.Expires); {
	case left == 0:
		return "has expired"
	case l.Holders == 0 || l.Problem != "":
		return "expires in " + left.String()
	default:
		return fmt.Sprintf("expires in %s, renewed in %s", left, p.until(l.Renew))
	}
}

// until is how long it is until t, in seconds, for people.
func (p *program) until(t time.Time) time.Duration {
	return max(t.Sub(p.now()).Round(time.Second), 0)
}
