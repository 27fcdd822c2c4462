package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/clock"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/projection"
	"github.com/escenv/escenv/internal/wire"
	"github.com/escenv/escenv/shells"
)

// What a hook tells the one process that it starts.
const (
	stateVariable = "__ESCENV_STATE" // the shell's state, from the last run
	shellVariable = "__ESCENV_SHELL" // the shell's process, or its subshell's
	holdVariable  = "__ESCENV_HOLD"  // set if words have to wait: no prompt is on the screen yet

	// GOMAXPROCS as the user has it. For escenv the hook makes it 1: one prompt
	// has no use for more, and each thread takes time to start.
	procsVariable = "__ESCENV_GOMAXPROCS"
)

// runExport is escenv export, dispatched before the command line is built. ok
// is false unless it is asked for one shell.
func (p *program) runExport() (status int, ok bool) {
	if len(p.args) != 3 || strings.HasPrefix(p.args[2], "-") || p.args[2] == "help" || p.args[2] == "h" {
		return 0, false
	}
	p.patience = clock.Patience(activation.Deadline)
	p.environ = asInherited(p.environ)
	return p.report(p.export(context.Background(), p.args[2])), true
}

// asInherited returns environ with what the user has, where the hook has set
// something for escenv alone.
func asInherited(environ []string) []string {
	users := slices.IndexFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, procsVariable+"=") })
	if users < 0 {
		return environ
	}
	procs := environ[users][len(procsVariable)+1:]
	environ = slices.DeleteFunc(environ, func(entry string) bool {
		return strings.HasPrefix(entry, procsVariable+"=") || strings.HasPrefix(entry, "GOMAXPROCS=")
	})
	if procs != "" {
		environ = append(environ, "GOMAXPROCS="+procs)
	}
	return environ
}

// export prints the statements for one prompt, in one piece: a shell never sees
// half of them.
func (p *program) export(ctx context.Context, shell string) error {
	if shell == formatJSON || shell == formatDirenv {
		return p.exportJSON(ctx, shell)
	}
	dialect, err := hookDialect(shell)
	if err != nil {
		return err
	}
	step, generation, stampErr, err := p.step(ctx, p.getenv(stateVariable), dialect.Holds)
	if err != nil {
		return err
	}
	var b, words strings.Builder
	b.Grow(usualText)
	writeChanges(&b, dialect, step.Changes)
	stampErr = cmp.Or(p.writeWatch(&b, dialect, step, generation), stampErr)
	if p.getenv(holdVariable) != "" {
		p.words = &words
		p.announceExport(step, stampErr)
		b.WriteString(dialect.Set("__escenv_words", words.String()))
	}
	if _, err := p.stdout.WriteString(b.String()); err != nil {
		return err
	}
	if p.words == nil {
		p.announceExport(step, stampErr)
	}
	if step.Failed {
		return statusError(exitFailed)
	}
	if step.Outcome == activation.Unloaded {
		p.release(p.shellPID())
	}
	return nil
}

// usualText is more than most exports print, in bytes: what grows by and by
// costs a prompt more.
const usualText = 8 << 10

// knock opens the way to the agent, so that it wakes up while escenv reads the
// .escenv. Where that fails it is tried again when there is something to ask.
func (p *program) knock() {
	path, err := p.socketPath()
	if err != nil || p.noAgent() || p.ambient() {
		return
	}
	if conn, err := wire.DialSocket(path)(context.Background()); err == nil {
		p.door = conn
	}
}

// announceExport says what happened, and what the hook cannot watch.
func (p *program) announceExport(step *activation.Step, stampErr error) {
	p.announce(step)
	if stampErr != nil && step.File != nil {
		p.sayWarn("every prompt here starts escenv: " + stampErr.Error())
		p.sayHint("set XDG_RUNTIME_DIR to a directory of your own")
	}
}

// step decides for the directory that escenv runs in. Without stamps, which
// stampErr says, it has decided all the same. state is what the last run left,
// and holds tells which values the shell can hold.
func (p *program) step(ctx context.Context, state string, holds func(string) bool) (step *activation.Step, generation string, stampErr, err error) {
	dir, err := p.logicalDir()
	if err != nil {
		return nil, "", nil, err
	}
	generation, stampErr = p.stamps().OfGeneration()
	pid := p.shellPID()
	paused := p.paused(pid)
	step = p.activator(pid, paused).Step(ctx, activation.Shell{Dir: dir, Environ: p.environ, State: state, PID: pid, Holds: holds})
	p.endPause(pid, paused, step)
	return step, generation, stampErr, nil
}

// shellPID returns the process of the shell that escenv runs for, which the
// hook tells. It must be one of this user's.
func (p *program) shellPID() int {
	pid, err := strconv.Atoi(p.getenv(shellVariable))
	if err != nil || pid <= 1 || syscall.Kill(pid, 0) != nil {
		return os.Getppid()
	}
	return pid
}

// activator decides for this run, for the shell with that process, which does
// without the .escenv at the path paused.
func (p *program) activator(shell int, paused string) *activation.Activator {
	decisions, unknown := p.trust() // nothing is trusted then, but what is loaded still goes
	return &activation.Activator{
		Finder: activation.Finder{UID: os.Getuid(), Direct: realDir(), Found: p.knock, Coarse: coarseTime},
		Opener: p.opener(),
		Now:    p.now,
		Salt:   salt(),
		Files:  func(files []esc.File) (map[string]string, error) { return p.project(shell, files) },
		Check: func(path, digest string) (esc.Verdict, error) {
			switch {
			case unknown != nil:
				return esc.Undecided, unknown
			case path == paused:
				return esc.Denied, nil
			}
			return decisions.Check(path, digest)
		},
	}
}

// project keeps an environment's files for as long as the shell that has it
// lives, and takes away what dead shells have left.
func (p *program) project(shell int, files []esc.File) (map[string]string, error) {
	base, err := projection.Base(p.getenv, os.Getuid())
	if err != nil {
		return nil, err
	}
	run, err := projection.Open(base, shell)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, run.Remove()
	}
	_ = projection.Sweep(base) // what is left is swept another time
	return run.Write(files)
}

// salt makes two shells' hashes of one value different. It stands beside them,
// so it hides nothing: crypto/rand would only cost start-up time.
func salt() string {
	return strconv.FormatUint(rand.Uint64(), 36) + strconv.FormatUint(rand.Uint64(), 36)
}

// writeChanges writes the statements that make the changes.
func writeChanges(b *strings.Builder, d shells.Dialect, changes []activation.Change) {
	for _, c := range changes {
		switch c.Op {
		case activation.Save:
			b.WriteString(d.Save(c.Name))
		case activation.Export:
			value, _ := c.Value.RevealString() // the shell is who secrets are for
			b.WriteString(d.Export(c.Name, value))
		case activation.Unset:
			b.WriteString(d.Unset(c.Name))
		case activation.Restore:
			b.WriteString(d.Restore(c.Name, c.Exported))
		case activation.Forget:
			b.WriteString(d.Forget(c.Name))
		}
	}
}

// writeWatch writes what the hook compares at each prompt instead of starting
// escenv: the file and its stamp, the generation and its stamp, and when to
// come back anyway.
func (p *program) writeWatch(b *strings.Builder, d shells.Dialect, step *activation.Step, generation string) error {
	var file, stamp, wait string
	var err error
	watched := p.stamps().Generation()
	if step.File != nil {
		file = step.File.Path
		stamp, err = p.stamps().At(step.File.ModTime)
	} else {
		watched, generation = "", ""
	}
	if step.Wait > 0 {
		wait = seconds(step.Wait)
	}
	for _, v := range []struct{ name, value string }{
		{"__escenv_state", step.State},
		{"__escenv_file", file},
		{"__escenv_stamp", stamp},
		{"__escenv_generation", watched},
		{"__escenv_generation_stamp", generation},
		{"__escenv_wait", wait},
	} {
		b.WriteString(d.Set(v.name, v.value))
	}
	if d.Name() == "fish" {
		err = cmp.Or(err, p.writeClock(b, d, step))
	}
	return err
}

// seconds is how many whole ones are over before d is: what ends is never left
// for a moment too long.
func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// announce says what happened, in one line where all is well.
func (p *program) announce(step *activation.Step) {
	if p.getenv("ESCENV_QUIET") != "1" && !step.Quiet {
		switch step.Outcome {
		case activation.Loaded:
			p.say("loaded " + step.Name + ": " + summary(step.Changes) + p.timeLeft(step.Expires))
		case activation.Renewed:
			p.say("renewed " + step.Name + p.timeLeft(step.Expires))
		case activation.Unloaded:
			p.say("unloaded " + step.Name)
		case activation.Unchanged:
		}
	}
	if step.Untrusted {
		p.sayWarn(step.File.Path + " is not allowed yet")
		p.sayHint("escenv allow")
	}
	for _, r := range step.Refused {
		p.sayWarn(fmt.Sprintf("%s is left out of %s: it %s", r.Name, step.Name, r.Why))
	}
	if names := settable(step.Refused); names != "" {
		p.sayHint("to allow it, put hook: {allow: [" + names + "]} into " + p.configFile())
	}
	if step.Problem != nil {
		p.explain(step.Problem)
		if step.Outcome == activation.Unchanged && step.Name != "" {
			p.say("what is loaded of " + step.Name + " stays" + p.timeLeft(step.Expires))
		}
	}
}

// settable joins the names that the user's configuration can allow.
func settable(refused []activation.Refusal) string {
	var names []string
	for _, r := range refused {
		if r.Settable {
			names = append(names, r.Name)
		}
	}
	return strings.Join(names, ", ")
}

// maxSummary is how many names a line shows.
const maxSummary = 8

// summary lists the names that came and went, without escenv's own.
func summary(changes []activation.Change) string {
	var words []string
	for _, c := range changes {
		switch {
		case strings.HasPrefix(c.Name, "ESCENV_"):
		case c.Op == activation.Export:
			words = append(words, "+"+c.Name)
		case c.Op == activation.Unset || c.Op == activation.Restore:
			words = append(words, "-"+c.Name)
		}
	}
	switch {
	case len(words) == 0:
		return "nothing to set"
	case len(words) > maxSummary:
		words = append(words[:maxSummary], fmt.Sprintf("and %d more", len(words)-maxSummary))
	}
	return strings.Join(words, " ")
}

// timeLeft says " (59m)", or nothing if nothing expires.
func (p *program) timeLeft(expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	left := max(expires.Sub(p.now()), 0)
	switch {
	case left >= 2*time.Hour:
		return fmt.Sprintf(" (%dh)", int(left.Hours()))
	case left >= 2*time.Minute:
		return fmt.Sprintf(" (%dm)", int(left.Minutes()))
	}
	return fmt.Sprintf(" (%ds)", int(left.Seconds()))
}

// hookDialect returns the dialect of a shell that has a hook.
func hookDialect(shell string) (shells.Dialect, error) {
	dialect, err := shells.Lookup(shell)
	if err != nil {
		return nil, usageError{err.Error(), "escenv hook --help"}
	}
	if dialect.Name() == "sh" {
		return nil, usageError{shell + " has no hook: use one of " + strings.Join(shells.Names(), ", "), "escenv hook --help"}
	}
	return dialect, nil
}
