package main

import (
	"slices"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/esc"
)

// childEnviron returns the command's environment: ours, without what would
// beat the environment's credentials, and the environment's variables.
func (p *program) childEnviron(env *esc.Environment) ([]string, error) {
	child := newEnviron(p.environ)
	names := make([]string, len(env.Variables))
	for i, v := range env.Variables {
		names[i] = v.Name
	}
	ownKeys := slices.Contains(names, "AWS_ACCESS_KEY_ID")
	if ownKeys {
		for _, name := range activation.Identities() {
			child.unset(name)
		}
	}
	for _, v := range env.Variables {
		text, ok := v.Value.RevealString()
		if !ok {
			return nil, esc.Errorf(esc.Invalid, "%s is not text but %s", v.Name, v.Value.Kind())
		}
		if err := p.checkVariable(v.Name, text); err != nil {
			return nil, err
		}
		child.set(v.Name, text)
	}
	child.mark(env, names)
	if expires := stamp(env.Expires); ownKeys && expires != "" && !slices.Contains(names, "AWS_CREDENTIAL_EXPIRATION") {
		child.set("AWS_CREDENTIAL_EXPIRATION", expires)
	}
	return child.entries, nil
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

func (e *environ) unset(name string) {
	e.entries = slices.DeleteFunc(e.entries, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}

func (e *environ) set(name, value string) {
	e.unset(name)
	e.entries = append(e.entries, name+"="+value)
}

// mark says in which environment the command runs. The marks of one around it
// are gone.
func (e *environ) mark(env *esc.Environment, names []string) {
	e.unset(activation.MarkerFile)
	e.unset(activation.MarkerExpires)
	e.set(activation.MarkerEnv, env.Name)
	e.set(activation.MarkerVars, strings.Join(names, ":"))
	if expires := stamp(env.Expires); expires != "" {
		e.set(activation.MarkerExpires, expires)
	}
}
