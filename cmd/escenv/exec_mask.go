package main

import (
	"slices"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/mask"
)

// chooseSecrets decides what is masked.
func (r *run) chooseSecrets() error {
	if r.mask == "never" || r.replace {
		return nil
	}
	found := r.findSecrets(r.env)
	if err := r.checkMarked(found); err != nil {
		return err
	}
	set := mask.NewSet()
	set.Style = map[string]mask.Style{"name": mask.Named, "width": mask.Width}[r.style]
	set.AddSecrets(found...)
	if r.mask == "always" || !set.Empty() {
		r.secrets = set
	}
	return nil
}

// findSecrets returns every secret text of an environment, exported or not, with
// the names of those that are, and what --mask-var names, secret or not.
func (x *execution) findSecrets(env *esc.Environment) []mask.Secret {
	var found []mask.Secret
	add := func(name string, v esc.Value) {
		marked := slices.Contains(x.maskVars, name)
		if text, ok := v.RevealString(); ok && (marked || v.IsSecret()) {
			found = append(found, mask.Secret{Name: name, Text: text, Marked: marked})
		}
	}
	for _, v := range env.Variables {
		add(v.Name, v.Value)
	}
	for _, f := range env.Files {
		add(f.Name, f.Content)
	}
	for _, v := range env.Secrets {
		add("", v)
	}
	return found
}

// checkMarked refuses what --mask-var asks for in vain: who said it would take
// the value for masked.
func (r *run) checkMarked(found []mask.Secret) error {
	for _, name := range r.maskVars {
		at := slices.IndexFunc(found, func(s mask.Secret) bool { return s.Marked && s.Name == name })
		switch {
		case at < 0:
			return esc.Errorf(esc.Invalid, "--mask-var: %s sets no %s", r.env.Name, name).
				WithHint("escenv %s --dry-run shows what it sets", r.name)
		case !found[at].Maskable():
			return esc.Errorf(esc.Invalid, "--mask-var: the value of %s has fewer than %d bytes, which stand everywhere", name, mask.ShortestMarked).
				WithHint("escenv %s without --mask-var %s", r.name, name)
		}
	}
	return nil
}
