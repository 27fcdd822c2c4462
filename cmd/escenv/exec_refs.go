package main

import (
	"errors"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

// layers returns the references that were given, or else those of the nearest
// .escenv. hint is how to give one.
func (p *program) layers(given []string, hint string) ([]esc.Ref, error) {
	if len(given) == 0 {
		return p.nearestRefs(hint)
	}
	refs := make([]esc.Ref, len(given))
	for i, text := range given {
		ref, err := p.parseRef(text)
		if err != nil {
			return nil, err
		}
		refs[i] = ref
	}
	return refs, nil
}

// nearestRefs returns what the nearest .escenv names, if the user allowed it.
func (p *program) nearestRefs(hint string) ([]esc.Ref, error) {
	file, err := p.findFile("")
	var e *esc.Error
	if errors.As(err, &e) && e.Kind == esc.NotFound && file == nil {
		return nil, e.WithHint("%s", hint)
	}
	if err != nil {
		return nil, err
	}
	decisions, err := p.trust()
	if err != nil {
		return nil, err
	}
	verdict, err := decisions.Check(file.Canonical, file.Digest)
	if err != nil {
		return nil, err
	}
	if verdict != esc.Allowed {
		return nil, esc.Errorf(esc.Refused, "%s is %s", file.Path, verdict).WithHint("escenv allow")
	}
	return file.Refs, nil
}

// withAnyReference is how a reference is given to exec.
const withAnyReference = "escenv exec -e project/name -- COMMAND"

// withReference is what args should have been if they begin with a reference.
func (p *program) withReference(args []string) string {
	ref, err := p.parseRef(args[0])
	if err != nil || ref.Path != "" {
		return withAnyReference
	}
	rest := "COMMAND"
	if len(args) > 1 {
		rest = args[1] + strings.Repeat(" ...", min(1, len(args)-2))
	}
	return "escenv exec -e " + ref.String() + " -- " + rest
}
