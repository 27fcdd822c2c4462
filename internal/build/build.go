// Package build says which build of escenv this is.
package build

import "runtime/debug"

// Stamps of a release, set by the linker (see install.sh).
var (
	version  = "0.1.0-dev"
	revision string
)

// Version is the version people talk about, "0.1.0".
func Version() string { return version }

// ID names this build. escenv and escenv-agent only work together when theirs
// are equal.
func ID() string {
	if revision != "" {
		return version + "+" + revision
	}
	return version + "+" + sourceRevision()
}

// sourceRevision is what go build recorded, for builds without stamps.
func sourceRevision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	rev, dirty := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			rev = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = ".dirty"
		}
	}
	return rev + dirty
}
