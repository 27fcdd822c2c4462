package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/escenv/escenv/internal/config"
	"github.com/escenv/escenv/internal/esc"
)

// dirs are where the agent's files are.
type dirs struct {
	config  string // absolute
	runtime string // where the socket is; empty if not known
	socket  string
}

// findDirs finds the configuration where escenv does.
func findDirs(environ []string, socket string) (dirs, error) {
	runtime := ""
	if filepath.IsAbs(socket) {
		runtime = filepath.Dir(socket)
	}
	if dir := getenv(environ, "XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return dirs{filepath.Join(dir, "escenv"), runtime, socket}, nil
	}
	if home := getenv(environ, "HOME"); filepath.IsAbs(home) {
		return dirs{filepath.Join(home, ".config", "escenv"), runtime, socket}, nil
	}
	return dirs{}, esc.Errorf(esc.Invalid, "HOME is not set").WithHint("set HOME or XDG_CONFIG_HOME")
}

func (d dirs) definitions() string { return filepath.Join(d.config, "environments") }
func (d dirs) issuer() string      { return filepath.Join(d.config, "issuer") }
func (d dirs) settings() string    { return filepath.Join(d.config, config.FileName) }
func (d dirs) generation() string  { return filepath.Join(d.runtime, "generation") }
func (d dirs) locked() string      { return strings.TrimSuffix(d.socket, ".sock") + ".locked" }

// getenv returns the last value of a variable, as shells do.
func getenv(environ []string, name string) string {
	for _, entry := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
