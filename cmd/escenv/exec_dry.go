package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/mask"
	"github.com/escenv/escenv/internal/process"
)

// A description is what --dry-run --json prints.
type description struct {
	Environment string        `json:"environment"`
	Expires     time.Time     `json:"expires,omitzero"`
	Command     string        `json:"command"` // its file
	Mode        string        `json:"mode"`    // replace, shared, pipes, output or pty
	Why         string        `json:"why"`
	Masked      bool          `json:"masked"`  // what it writes
	Served      bool          `json:"served"`  // its AWS credentials are, and renewed
	Set         []described   `json:"set"`     // by name
	Files       []describedAs `json:"files"`   // by name
	Removed     []string      `json:"removed"` // of the caller's variables
}

type described struct {
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"` // empty if it is secret
	Secret bool   `json:"secret,omitempty"`
}

type describedAs struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// describe prints what running the command would be like.
func (r *run) describe() error {
	path, err := (&process.Command{Args: r.command, Env: r.environ}).Find()
	if err != nil {
		return err
	}
	child := newEnviron(r.environ)
	before := child.names()
	r.inherit(child)
	if _, err := r.setVariables(child); err != nil {
		return err
	}
	after := child.names()
	d := description{
		Environment: r.env.Name, Expires: r.env.Expires, Command: path,
		Mode: r.mode.name, Why: r.mode.why, Masked: r.secrets != nil, Served: r.serve,
		Set: r.describeVariables(), Files: []describedAs{}, Removed: []string{},
	}
	for _, f := range r.env.Files {
		text, _ := f.Content.RevealString()
		d.Files = append(d.Files, describedAs{f.Name, len(text)})
	}
	for _, name := range before {
		if !slices.Contains(after, name) && name != activation.MarkerFile {
			d.Removed = append(d.Removed, name)
		}
	}
	slices.Sort(d.Removed)
	return r.printDescription(d)
}

func (e *environ) names() []string {
	names := make([]string, len(e.entries))
	for i, entry := range e.entries {
		names[i], _, _ = strings.Cut(entry, "=")
	}
	return names
}

// describeVariables tells every variable's value, but for what is secret or to
// be masked as if it were.
func (r *run) describeVariables() []described {
	all := []described{}
	for _, v := range r.env.Variables {
		text, _ := v.Value.RevealString()
		one := described{Name: v.Name, Secret: v.Value.IsSecret() || slices.Contains(r.maskVars, v.Name)}
		if !one.Secret {
			one.Value = text
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b described) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (r *run) printDescription(d description) error {
	out := &printer{w: r.stdout}
	if r.json {
		text, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return err
		}
		out.printf("%s\n", safeJSON(text))
		return out.err
	}
	out.printf("environment  %s%s\n", safe(d.Environment), goodFor(d.Expires, r.now()))
	out.printf("command      %s\n", safe(d.Command))
	out.printf("mode         %s: %s\n", d.Mode, safe(d.Why))
	if d.Served {
		out.printf("credentials  served on loopback, and renewed while the command runs\n")
	}
	for _, v := range d.Set {
		value := safe(v.Value)
		if v.Secret {
			value = mask.Replacement
		}
		out.printf("set          %s=%s\n", safe(v.Name), value)
	}
	for _, f := range d.Files {
		out.printf("file         %s, %d bytes\n", safe(f.Name), f.Bytes)
	}
	for _, name := range d.Removed {
		out.printf("remove       %s\n", safe(name))
	}
	return out.err
}

// goodFor says until when, in parentheses; nothing for ever.
func goodFor(expires, now time.Time) string {
	if expires.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (%s)", max(0, expires.Sub(now)).Round(time.Second))
}
