package main

import (
	"slices"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/esc"
)

// stackMark stands between the environment a command runs in and the one around
// that, in ESCENV_ENV: outermost first.
const stackMark = " > "

// childEnviron returns the command's environment: ours, without what would
// beat the environment's credentials, and the environment's variables.
func (r *run) childEnviron() ([]string, error) {
	child := newEnviron(r.environ)
	r.inherit(child)
	names, err := r.setVariables(child)
	if err != nil {
		return nil, err
	}
	if r.served != nil {
		names = r.endpoint(child, names)
	}
	for name, path := range r.paths {
		child.set(name, path)
	}
	for _, f := range r.env.Files {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	child.mark(r.env, slices.Compact(names), r.served != nil)
	if over := r.over(); over != "" {
		child.set(overVariable, over)
	}
	return child.entries, nil
}

// over returns the canonical path of the .escenv that the command does without,
// having been given an environment by name: a shell in it, with the hook, keeps
// what it was given until it goes where another counts.
func (r *run) over() string {
	if len(r.execution.refs) == 0 {
		return ""
	}
	file, _ := r.findFile("") // one that nobody can use is nobody's
	if file == nil {
		return ""
	}
	return file.Canonical
}

// basics are what --pristine leaves a command of its caller's variables: what
// it is started with after a login.
var basics = []string{"HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "TZ", "USER", "XDG_RUNTIME_DIR"}

// inherit removes what the command is not to have of ours.
func (r *run) inherit(child *environ) {
	if r.pristine {
		child.keep(func(name string) bool {
			return slices.Contains(basics, name) || strings.HasPrefix(name, "LC_") || name == activation.MarkerEnv
		})
	}
	if r.clearAWS {
		child.keep(func(name string) bool { return !strings.HasPrefix(name, "AWS_") })
	}
	if slices.ContainsFunc(r.env.Variables, func(v esc.Variable) bool { return v.Name == "AWS_ACCESS_KEY_ID" }) {
		others := activation.Identities()
		child.keep(func(name string) bool { return !slices.Contains(others, name) })
	}
}

// setVariables sets the environment's variables and returns their names.
func (r *run) setVariables(child *environ) (names []string, err error) {
	for _, v := range r.env.Variables {
		text, ok := v.Value.RevealString()
		if !ok {
			return nil, esc.Errorf(esc.Invalid, "%s is not text but %s", v.Name, v.Value.Kind())
		}
		if err := r.checkVariable(v.Name, text); err != nil {
			return nil, err
		}
		child.set(v.Name, text)
		names = append(names, v.Name)
	}
	for _, f := range r.env.Files {
		if err := r.checkVariable(f.Name, ""); err != nil {
			return nil, err
		}
	}
	keys := slices.Contains(names, "AWS_ACCESS_KEY_ID") && !slices.Contains(names, "AWS_CREDENTIAL_EXPIRATION")
	if expires := stamp(r.env.Expires); keys && expires != "" {
		child.set("AWS_CREDENTIAL_EXPIRATION", expires)
	}
	return names, nil
}

// endpoint replaces credentials by where to ask for them, and removes all that
// AWS's clients would rather have. It returns the names that are set now.
func (r *run) endpoint(child *environ, names []string) []string {
	set, unset := r.served.variables()
	child.keep(func(name string) bool { return !slices.Contains(unset, name) })
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(unset, name) })
	for name, value := range set {
		child.set(name, value)
		names = append(names, name)
	}
	return names
}

// checkVariable refuses what no process can be given, and warns of names that
// are code to somebody: whoever wrote the definition decides what runs.
func (p *program) checkVariable(name, value string) error {
	switch {
	case name == "" || strings.ContainsAny(name, "=\x00"):
		return esc.Errorf(esc.Invalid, "%q cannot be the name of a variable", name)
	case strings.Contains(value, "\x00"):
		return esc.Errorf(esc.Invalid, "%s holds a NUL byte, which no variable can", name)
	}
	if why := activation.Dangerous(name); why != "" {
		p.sayWarn("the environment sets " + name + ", which " + why)
	}
	return nil
}

// stamp returns t as RFC 3339, nothing for never.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// An environ is a process's environment, in which each name stands once.
type environ struct{ entries []string }

// newEnviron takes the last of several entries of a name, as shells do.
func newEnviron(entries []string) *environ {
	e := &environ{}
	last := map[string]int{}
	for _, entry := range entries {
		name, _, ok := strings.Cut(entry, "=")
		if at, twice := last[name]; ok && twice {
			e.entries[at] = entry
			continue
		}
		last[name] = len(e.entries)
		e.entries = append(e.entries, entry)
	}
	return e
}

// keep removes the variables whose names are not wanted.
func (e *environ) keep(wanted func(name string) bool) {
	e.entries = slices.DeleteFunc(e.entries, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return !wanted(name)
	})
}

func (e *environ) get(name string) (value string) {
	for _, entry := range e.entries {
		if text, ok := strings.CutPrefix(entry, name+"="); ok {
			value = text
		}
	}
	return value
}

func (e *environ) unset(name string) {
	e.entries = slices.DeleteFunc(e.entries, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}

func (e *environ) set(name, value string) {
	e.unset(name)
	e.entries = append(e.entries, name+"="+value)
}

// mark says in which environment the command runs. The other marks of one
// around it are gone. What is renewed does not expire.
func (e *environ) mark(env *esc.Environment, names []string, renewed bool) {
	e.unset(activation.MarkerFile)
	e.unset(activation.MarkerExpires)
	e.unset(overVariable)
	e.set(activation.MarkerEnv, stacked(e.get(activation.MarkerEnv), env.Name))
	e.set(activation.MarkerVars, strings.Join(names, ":"))
	if expires := stamp(env.Expires); expires != "" && !renewed {
		e.set(activation.MarkerExpires, expires)
	}
}

// stacked puts a name upon what is there, unless it is on top already.
func stacked(below, name string) string {
	if below == "" || below == name || strings.HasSuffix(below, stackMark+name) {
		if below == "" {
			return name
		}
		return below
	}
	return below + stackMark + name
}
