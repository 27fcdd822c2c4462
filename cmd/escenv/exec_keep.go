package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/process"
	"github.com/escenv/escenv/internal/projection"
	"github.com/escenv/escenv/internal/wire"
)

// What is there for as long as the command runs: files, served credentials,
// and somebody who looks at the clock.

// setUp makes what the command is given besides variables.
func (r *run) setUp(ctx context.Context) error {
	if r.mode.name == "replace" {
		return nil
	}
	files := r.env.Files
	if r.serve {
		shadows, err := r.shadows()
		if err != nil {
			return err
		}
		files = slices.Concat(files, shadows)
	}
	if err := r.writeFiles(files); err != nil {
		return err
	}
	if !r.serve {
		return nil
	}
	var err error
	r.served, err = r.serveCredentials(ctx, r.refs)
	if err == nil && r.secrets != nil {
		r.secrets.Add(r.served.Token)
	}
	return err
}

// writeFiles writes the command's files, and sweeps away what an escenv that
// was killed left.
func (r *run) writeFiles(files []esc.File) error {
	base, err := projection.Base(r.getenv, os.Getuid())
	if err != nil {
		if len(files) == 0 {
			return nil // nor is there anything to sweep
		}
		return err
	}
	swept := projection.Sweep(base)
	if len(files) == 0 {
		return nil
	}
	if swept != nil {
		r.sayWarn("removing files of commands that have ended: " + swept.Error())
	}
	if r.files, err = projection.Open(base, os.Getpid()); err != nil {
		return err
	}
	r.paths, err = r.files.Write(files)
	return err
}

// takeDown removes what setUp made.
func (r *run) takeDown() {
	if r.served != nil {
		if err := r.served.Close(); err != nil && r.verbose {
			r.say("the credentials' endpoint ended: " + err.Error())
		}
	}
	if r.files == nil {
		return
	}
	if err := r.files.Remove(); err != nil {
		r.sayWarn("removing the command's files: " + err.Error())
	}
}

// An endedError says that escenv ended the command.
type endedError struct{ why string }

func (e *endedError) Error() string { return e.why }

// limits returns a context that ends when the command must, and looks after
// what has to be renewed until done is called.
func (r *run) limits(ctx context.Context) (limited context.Context, done func()) {
	limited, end := context.WithCancelCause(ctx)
	var keepers sync.WaitGroup
	if r.timeout > 0 {
		at := r.now().Add(r.timeout)
		keepers.Go(func() {
			if r.until(limited, at) {
				end(&endedError{fmt.Sprintf("%s took longer than %v and was ended", r.command[0], r.timeout)})
			}
		})
	}
	if r.served != nil {
		go r.hear(r.served.Events)
	}
	if expires := r.env.Expires; !expires.IsZero() && r.watchesExpiry() {
		keepers.Go(func() { r.watchExpiry(limited, expires, end) })
	}
	if r.files != nil && !r.env.Renew.IsZero() && !r.noRefresh && !r.watchesExpiry() {
		keepers.Go(func() { r.renewFiles(limited) })
	}
	return limited, func() {
		end(nil)
		keepers.Wait()
	}
}

// hear masks new secrets, and tells once what goes wrong with a renewal.
func (r *run) hear(events <-chan wire.ServeEvent) {
	told := ""
	for event := range events {
		if r.secrets != nil {
			r.secrets.Add(event.Secrets...)
		}
		switch {
		case event.Problem == nil:
			told = ""
		case event.Problem.Summary != told:
			told = event.Problem.Summary
			r.tell("warning: renewing the credentials of " + r.env.Name + ": " + r.named(told))
		}
	}
}

// warnBefore is how long before credentials end people are told, or at once if
// there is less left.
const warnBefore = 5 * time.Minute

// watchExpiry does what --on-expiry says.
func (r *run) watchExpiry(ctx context.Context, expires time.Time, end context.CancelCauseFunc) {
	if r.onExpiry == "kill" {
		if r.until(ctx, expires) {
			end(&endedError{fmt.Sprintf("the credentials of %s have expired, and %s was ended", r.env.Name, r.command[0])})
		}
		return
	}
	if r.until(ctx, expires.Add(-warnBefore)) {
		if left := expires.Sub(r.now()); left > 0 {
			r.tell(fmt.Sprintf("warning: the credentials of %s expire in %v", r.env.Name, left.Round(time.Second)))
		}
	}
	if r.until(ctx, expires) {
		r.tell("warning: the credentials of " + r.env.Name + " have expired")
	}
}

// clockEvery is how often the clock is looked at: a machine that slept wakes
// to another time.
const clockEvery = 2 * time.Second

// until waits for a time by the clock; false if ctx ended before.
func (r *run) until(ctx context.Context, at time.Time) bool {
	for {
		left := at.Sub(r.now())
		if left <= 0 {
			return ctx.Err() == nil
		}
		select {
		case <-time.After(min(left, clockEvery)):
		case <-ctx.Done():
			return false
		}
	}
}

// retryAfter is how long after a failure files are renewed again.
const retryAfter = 30 * time.Second

// renewFiles writes files anew when the environment is due to be opened again.
func (r *run) renewFiles(ctx context.Context) {
	quiet := r.quietly()
	said := false
	for at := r.env.Renew; !at.IsZero() && r.until(ctx, at); {
		env, err := quiet.opener().Open(ctx, r.request())
		if err == nil {
			at, said = env.Renew, false
			err = r.replaceFiles(env)
		}
		if err != nil {
			at = r.now().Add(retryAfter)
			if !said && ctx.Err() == nil {
				said = true
				r.tell("warning: renewing the files of " + r.env.Name + ": " + r.named(err.Error()))
			}
		}
	}
}

// replaceFiles brings the files of env in the place of those before. What was
// secret in those stays masked.
func (r *run) replaceFiles(env *esc.Environment) error {
	if r.secrets != nil {
		r.secrets.AddSecrets(r.findSecrets(env)...)
	}
	files := env.Files
	if r.serve {
		shadows, err := r.shadows()
		if err != nil {
			return err
		}
		files = slices.Concat(files, shadows)
	}
	_, err := r.files.Write(files)
	return err
}

// quietly returns a program that says nothing while the command has the screen.
func (p *program) quietly() *program {
	quiet := *p
	quiet.kept = nil // it serves
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		quiet.stderr = null
	}
	return &quiet
}

// tell says something while the command has the terminal, whose lines then end
// in both characters.
func (r *run) tell(words string) {
	if !process.IsTerminal(r.stderr) {
		r.say(words)
		return
	}
	fmt.Fprint(r.stderr, "\rescenv: "+safe(words)+"\r\n")
}
