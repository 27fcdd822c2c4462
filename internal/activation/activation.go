// Package activation decides what a shell must gain or lose at this prompt:
// it finds the .escenv that counts for a directory, asks whether the user
// allowed it, opens the environment it names, and compares that with what this
// shell carries.
//
// It changes nothing itself. A Step is a list of Changes that a dialect turns
// into statements, and what there is to say about it.
package activation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// Deadline is how long a prompt may wait for an environment: an Activator's
// Opener answers by then.
const Deadline = 2 * time.Second

// Limits on when a shell looks again by itself.
const (
	minWait = 3 * time.Second
	maxWait = 5 * time.Minute // between two attempts that fail

	// tick is how exactly shells know the time: one may come back up to a tick
	// too early. What ends within a tick has ended, and who comes back for
	// something new waits two more.
	tick = time.Second
)

// An Activator takes Steps.
type Activator struct {
	Finder Finder
	Opener esc.Opener
	Check  func(path, digest string) (esc.Verdict, error) // about a canonical path
	Now    func() time.Time
	Salt   string // fresh; used if the shell has none yet

	// Files puts an environment's files where this shell's commands find them,
	// in the place of those that were there, and returns their paths by name.
	Files func(files []esc.File) (map[string]string, error)
}

// A Shell is what escenv knows of the shell it runs for.
type Shell struct {
	Dir     string                  // the directory as the shell calls it, absolute
	Environ []string                // what the shell exports
	State   string                  // Step.State of the last run; empty in a new shell
	PID     int                     // its process; 0 if that is not known
	Holds   func(value string) bool // whether its variables can hold value; nil if any without NUL
}

// An Outcome says what a Step comes to.
type Outcome int

// The outcomes.
const (
	Unchanged Outcome = iota
	Loaded
	Renewed
	Unloaded
)

// A Step is what one run does to a shell, and what is to be said about it.
type Step struct {
	Outcome Outcome
	Changes []Change      // in order of name
	State   string        // for the next run
	File    *File         // the file to watch; nil if there is none
	Wait    time.Duration // after which to run again anyway; 0 for never

	Quiet     bool      // the user's configuration wants no word about what is loaded
	Failed    bool      // the directory's environment could not be loaded, said or not
	Name      string    // the environment that is loaded, or was unloaded
	Expires   time.Time // zero if it does not expire
	Problem   error     // what went wrong, unless it has been said before
	Untrusted bool      // the file has not been allowed, which has not been said before
	Refused   []Refusal // variables left out, unless that has been said before
}

// Step works out what to do in the shell. It takes no longer than the Opener and
// never fails: what goes wrong is in Problem, and the Step then takes away
// what the directory may not have.
func (a *Activator) Step(ctx context.Context, shell Shell) *Step {
	r := &run{Activator: a, environ: shell.Environ, holds: shell.Holds, pid: shell.PID, step: &Step{}}
	r.state = r.remember(shell.State)
	r.wasName = r.state.name
	r.step.Quiet = r.state.quiet
	file, err := a.Finder.Find(shell.Dir)
	r.step.File = file
	if was := r.state.path; was != "" && (file == nil || file.Path != was) {
		r.state.forgetSaid(was + problemsOnly) // who comes back is told again
	}
	switch {
	case file == nil:
		r.unload()
	case err != nil:
		r.unload()
		r.problem(file, err)
	default:
		r.consider(ctx, file)
	}
	r.step.State = r.state.String()
	return r.step
}

// A run is a Step in the making.
type run struct {
	*Activator
	environ environ
	holds   func(value string) bool
	pid     int
	state   *state
	adopted bool // what is loaded comes from a shell around this one
	wasName string
	step    *Step
}

// remember returns the shell's state. A shell inside another inherits
// variables but no state: it adopts them.
func (r *run) remember(text string) *state {
	if s, ok := parseState(text); ok {
		return s
	}
	s := &state{salt: r.Salt}
	if s.path = r.environ.get(MarkerFile); s.path == "" {
		return s
	}
	r.adopted = true
	s.name = r.environ.get(MarkerEnv)
	s.expires, _ = time.Parse(time.RFC3339, r.environ.get(MarkerExpires))
	names := append(strings.Split(r.environ.get(MarkerVars), ":"), MarkerEnv, MarkerVars, MarkerExpires, MarkerFile)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if value, set := r.environ.lookup(name); set && esc.IsVariableName(name) {
			s.vars = append(s.vars, variable{name: name, exported: true, hash: s.hash(name, value)})
		}
	}
	return s
}

// consider loads the environment of a file that is sound, if it is trusted.
func (r *run) consider(ctx context.Context, file *File) {
	verdict, err := r.Check(file.Canonical, file.Digest)
	if verdict == esc.Allowed && err == nil {
		r.load(ctx, file)
		return
	}
	r.unload()
	switch {
	case err != nil:
		r.problem(file, err)
	case verdict == esc.Undecided:
		r.step.Untrusted = r.state.sayOnce(file.Canonical, file.Digest)
	}
}

// load opens the environment that file names.
func (r *run) load(ctx context.Context, file *File) {
	env, err := r.Opener.Open(ctx, esc.Request{Refs: file.Refs, Hook: true, Holder: r.pid})
	now := r.Now()
	if err == nil && !env.Expires.IsZero() && env.Expires.Sub(now) <= tick {
		err = esc.Errorf(esc.Unavailable, "the credentials of %s have expired", file.Name())
	}
	var paths map[string]string
	if err == nil {
		paths, err = r.keep(env.Files)
	}
	if err != nil {
		r.cannotLoad(file, err, now)
		return
	}
	same := r.loaded(file)
	want, refused := wishes(env, file, paths, r.holds)
	r.step.Changes = (&differ{state: r.state, environ: r.environ, same: same}).diff(want)
	r.step.Outcome = r.outcome(same, paths)
	r.state.path, r.state.digest, r.state.name = file.Path, file.Digest, file.Name()
	r.state.expires, r.state.failures, r.state.quiet = env.Expires, 0, env.Quiet
	r.state.forgetSaid(file.Path + problemsOnly)
	r.step.Name, r.step.Expires, r.step.Quiet = r.state.name, env.Expires, env.Quiet
	r.step.Wait = renewal(env, now)
	if len(refused) > 0 && r.state.sayOnce(file.Canonical, "refused "+refusedNames(refused)) {
		r.step.Refused = refused
	}
}

// keep puts an environment's files where the shell finds them, and takes away
// those of the one before.
func (r *run) keep(files []esc.File) (paths map[string]string, err error) {
	if len(files) == 0 && !r.state.files || r.Files == nil {
		return nil, nil
	}
	r.state.files = len(files) > 0
	return r.Files(files)
}

// outcome says what the changes of a loaded environment come to. That files
// have a place of their own in each shell is not worth a word.
func (r *run) outcome(same bool, paths map[string]string) Outcome {
	news := func(c Change) bool { return !r.adopted || paths[c.Name] == "" }
	switch {
	case !slices.ContainsFunc(r.step.Changes, news):
		return Unchanged
	case same:
		return Renewed
	}
	return Loaded
}

// loaded reports whether what the shell carries comes from file as it is.
func (r *run) loaded(file *File) bool {
	return r.state.name != "" && r.state.path == file.Path && r.state.digest == file.Digest
}

// cannotLoad keeps what is still good for this directory when nobody answered,
// and takes it away in every other case. It asks for another try, later and
// later.
func (r *run) cannotLoad(file *File, err error, now time.Time) {
	if errors.Is(err, context.DeadlineExceeded) {
		err = esc.Errorf(esc.Unavailable, "no answer for %s within %v", file.Name(), Deadline)
	}
	failures := 1
	if r.state.path == file.Path && r.state.digest == file.Digest {
		failures += r.state.failures
	}
	wait := min(maxWait, minWait<<min(failures-1, 10))
	left := r.state.expires.Sub(now)
	if r.loaded(file) && kindOf(err) == esc.Unavailable && (r.state.expires.IsZero() || left > tick) {
		if left > 0 {
			wait = min(wait, left)
		}
		r.step.Name, r.step.Expires = r.state.name, r.state.expires
	} else {
		r.unload()
		r.state.path, r.state.digest = file.Path, file.Digest
	}
	r.state.failures = failures
	r.step.Failed, r.step.Wait = true, wait
	if r.state.sayOnce(file.Path+problemsOnly, string(kindOf(err))+file.Digest+diagnosed(err)) {
		r.step.Problem = err
	}
}

// problemsOnly sets apart what was said went wrong with a file, which is said
// again once it has been opened, or left.
const problemsOnly = " problems"

// unload puts everything back.
func (r *run) unload() {
	r.step.Changes = (&differ{state: r.state, environ: r.environ}).diff(nil)
	_, _ = r.keep(nil) // what is left is swept when the shell has gone
	r.state.path, r.state.digest, r.state.name = "", "", ""
	r.state.expires, r.state.failures, r.state.quiet = time.Time{}, 0, false
	if r.wasName != "" {
		r.step.Outcome, r.step.Name = Unloaded, r.wasName
	}
}

// problem has err said once for the file as it is.
func (r *run) problem(file *File, err error) {
	r.step.Failed = true
	r.step.Wait = minWait // a mode or a file beside it may change, which no stamp shows
	r.state.path = file.Path
	if r.state.sayOnce(file.Path+problemsOnly, file.Digest+err.Error()) {
		r.step.Problem = err
	}
}

// renewal is how long after now to ask for env again.
func renewal(env *esc.Environment, now time.Time) time.Duration {
	end := env.Expires.Sub(now)
	switch {
	case env.Renew.IsZero() && env.Expires.IsZero():
		return 0
	case env.Renew.IsZero():
		return end
	}
	wait := max(env.Renew.Sub(now), minWait) + 2*tick
	if !env.Expires.IsZero() {
		wait = min(wait, end)
	}
	return wait
}

// kindOf says what sort of failure err is.
func kindOf(err error) esc.Kind {
	var e *esc.Error
	var diags esc.Diagnostics
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.As(err, &diags):
		return esc.Invalid
	}
	return esc.Internal
}

// diagnosed tells one set of diagnostics from another: an edited definition
// with a new mistake is worth a new message, a new timestamp is not.
func diagnosed(err error) string {
	var diags esc.Diagnostics
	if !errors.As(err, &diags) {
		return ""
	}
	sum := sha256.Sum256([]byte(diags.Error()))
	return hex.EncodeToString(sum[:])
}

func refusedNames(refused []Refusal) string {
	names := map[string]bool{}
	for _, r := range refused {
		names[r.Name] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), " ")
}

// An environ is what a shell exports, as NAME=value. The last of several entries
// counts, as in shells. A prompt looks up few of many.
type environ []string

func (e environ) lookup(name string) (value string, set bool) {
	for _, entry := range slices.Backward(e) {
		if len(entry) > len(name) && entry[len(name)] == '=' && entry[:len(name)] == name {
			return entry[len(name)+1:], true
		}
	}
	return "", false
}

func (e environ) get(name string) string {
	value, _ := e.lookup(name)
	return value
}
