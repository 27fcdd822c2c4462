package conformance

import (
	"fmt"
	"strings"
)

// path looks for something that fits, among all that the definition that is
// being written can refer to, and returns how it can be written: "" if luck
// did not find one.
func (g *generator) path(fits func(*shape) bool) (string, *shape) {
	for range 6 {
		prefix, at := g.begin()
		if at == nil {
			continue
		}
		if path, found := g.descend(prefix, at, fits); found != nil {
			return path, found
		}
	}
	return "", nil
}

// begin picks where a path begins.
func (g *generator) begin() (string, *shape) {
	switch g.IntN(10) {
	case 0:
		name, s := g.written()
		return fmt.Sprintf("imports[%q]", name), s[0]
	case 1:
		name, s := g.written()
		project, rest, _ := strings.Cut(name, "/")
		return one(g, "environments."+project+"."+rest, fmt.Sprintf("environments[%q][%q]", project, rest), fmt.Sprintf("environments.%s[%q]", project, rest)), s[1]
	case 2:
		return one(g, "context.rootEnvironment.name", "context.currentEnvironment.name", "context.pulumi.user.id", `context["pulumi"].user["id"]`), scalar(formString)
	}
	return "", g.own
}

// written picks a definition that stands already, and returns its shape as an
// import, nil if it is none, and its shape.
func (g *generator) written() (string, [2]*shape) {
	if len(g.names) == 0 {
		return "", [2]*shape{}
	}
	name := one(g, g.names...)
	return name, [2]*shape{g.imports[name], g.shapes[name]}
}

func (g *generator) descend(path string, at *shape, fits func(*shape) bool) (string, *shape) {
	for {
		if path != "" && fits(at) && (len(at.fields)+len(at.items) == 0 || g.IntN(3) == 0) {
			return path, at
		}
		switch {
		case len(at.fields) > 0:
			name := one(g, sortedKeys(at.fields)...)
			path, at = path+g.step(name, path == ""), at.fields[name]
		case at.form == formList && len(at.items) > 0:
			i := g.IntN(len(at.items))
			path, at = fmt.Sprintf("%s[%d]", path, i), at.items[i]
		default:
			return "", nil
		}
	}
}

// step writes the step to a property.
func (g *generator) step(name string, first bool) string {
	quoted := `["` + strings.ReplaceAll(name, `"`, `\"`) + `"]`
	switch {
	case strings.ContainsAny(name, ".[]} ") || name == "" || g.IntN(5) == 0:
		return quoted
	case first && g.IntN(20) > 0:
		return name
	}
	return "." + name
}
