package main

import (
	"context"
	"encoding/base64"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/shells"
)

// What escenv export prints for programs that are no shells; docs/shell.md
// describes both.
const (
	formatJSON   = "json"
	formatDirenv = "direnv"
)

// A delta is what turns the environment that escenv was given into what the
// directory should have.
type delta struct {
	set   map[string]string
	unset map[string]bool
}

// exportJSON prints what an editor, or any other program, should change in its
// environment.
func (p *program) exportJSON(ctx context.Context, format string) error {
	before := parsePrior(p.getenv(stateVariable))
	step, _, _, err := p.step(ctx, before.state, utf8.ValidString)
	if err != nil {
		return err
	}
	d := p.delta(before, step.Changes)
	text := d.direnv()
	if format == formatJSON {
		before.state = step.State
		text = p.document(d, step, before)
	}
	if _, err := p.stdout.WriteString(text + "\n"); err != nil {
		return err
	}
	p.announce(step)
	if step.Failed {
		return statusError(exitFailed)
	}
	return nil
}

// delta works out what the changes come to for a program that keeps nothing of
// what was before: before does so for it.
func (p *program) delta(before *prior, changes []activation.Change) delta {
	d := delta{map[string]string{}, map[string]bool{}}
	for _, c := range changes {
		switch c.Op {
		case activation.Save:
			before.save(c.Name, p.environ)
		case activation.Export:
			d.set[c.Name], _ = c.Value.RevealString() // the program is who secrets are for
		case activation.Unset:
			d.unset[c.Name] = true
		case activation.Restore:
			p.restore(d, before, c.Name)
			delete(before.values, c.Name)
		case activation.Forget:
			delete(before.values, c.Name)
		}
	}
	return d
}

func (p *program) restore(d delta, before *prior, name string) {
	value, set := before.values[name]
	switch {
	case set && utf8.ValidString(value):
		d.set[name] = value
	case set:
		p.sayWarn("what " + name + " was is not UTF-8 text, which JSON cannot hold: it stays unset")
		d.unset[name] = true
	default:
		d.unset[name] = true
	}
}

// document is the JSON that docs/shell.md describes, on one line.
func (p *program) document(d delta, step *activation.Step, state *prior) string {
	var b strings.Builder
	b.WriteString(`{"version":1`)
	if step.Name != "" && step.Outcome != activation.Unloaded {
		b.WriteString(`,"environment":` + shells.JSON(step.Name))
	}
	if !step.Expires.IsZero() {
		b.WriteString(`,"expires":` + shells.JSON(step.Expires.UTC().Format(time.RFC3339)))
	}
	b.WriteString(`,"set":{` + members(d.set) + `},"unset":[` + elements(slices.Sorted(maps.Keys(d.unset))) + `]`)
	b.WriteString(`,"watch":[` + elements(p.watch(step)) + `]`)
	if step.Wait > 0 {
		b.WriteString(`,"wait":` + seconds(step.Wait))
	}
	b.WriteString(`,"state":` + shells.JSON(state.String()) + "}")
	return b.String()
}

// direnv is the object that direnv export json prints: each variable with its
// value, or null if it should not be set.
func (d delta) direnv() string {
	text := members(d.set)
	for _, name := range slices.Sorted(maps.Keys(d.unset)) {
		if text != "" {
			text += ","
		}
		text += shells.JSON(name) + ":null"
	}
	return "{" + text + "}"
}

// watch lists the files of which a change matters: every one that is, or would
// be, the nearest .escenv, and the one that is touched when an environment
// changes.
func (p *program) watch(step *activation.Step) []string {
	var paths []string
	dir, err := p.logicalDir()
	for at := filepath.Clean(dir); err == nil; at = filepath.Dir(at) {
		paths = append(paths, filepath.Join(at, activation.Name))
		if step.File != nil && paths[len(paths)-1] == step.File.Path || at == filepath.Dir(at) {
			break
		}
	}
	return append(paths, p.stamps().Generation())
}

func members(m map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, shells.JSON(name)+":"+shells.JSON(m[name]))
	}
	return strings.Join(list, ",")
}

func elements(list []string) string {
	var quoted []string
	for _, text := range list {
		quoted = append(quoted, shells.JSON(text))
	}
	return strings.Join(quoted, ",")
}

// A prior is the state of a program that is no shell: activation's, and what
// variables were before, which a shell would keep itself.
type prior struct {
	state  string
	values map[string]string
}

// priorVersion begins a prior's text.
const priorVersion = "1."

// save keeps what a variable is in environ, if it is set.
func (s *prior) save(name string, environ []string) {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			s.values[name] = value
		}
	}
}

// String encodes s as one word of ASCII.
func (s *prior) String() string {
	words := []string{s.state}
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		words = append(words, name, s.values[name])
	}
	return priorVersion + base64.RawURLEncoding.EncodeToString([]byte(strings.Join(words, "\x00")))
}

// parsePrior decodes what String wrote. Anything else is no state at all.
func parsePrior(text string) *prior {
	s := &prior{values: map[string]string{}}
	encoded, ok := strings.CutPrefix(text, priorVersion)
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	words := strings.Split(string(decoded), "\x00")
	if !ok || err != nil || len(words)%2 == 0 {
		return s
	}
	s.state = words[0]
	for pair := range slices.Chunk(words[1:], 2) {
		s.values[pair[0]] = pair[1]
	}
	return s
}
