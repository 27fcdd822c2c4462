package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/escenv/escenv/internal/esc"
)

// dir is the working directory as the user knows it: PWD, symbolic links and
// all, if it is one.
func (p *program) dir() (string, error) {
	real := realDir()
	if real == "" {
		return "", esc.Errorf(esc.NotFound, "the working directory is gone").WithHint("cd to one that exists")
	}
	logical := p.getenv("PWD")
	if filepath.IsAbs(logical) && logical != real && sameFile(logical, real) {
		return logical, nil
	}
	return real, nil
}

// realDir is the working directory as the system knows it, without symbolic
// links, or nothing if it is gone. os.Getwd would look at PWD first.
func realDir() string {
	dir, err := syscall.Getwd()
	if err != nil {
		return ""
	}
	return dir
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// logicalDir is the directory as the shell calls it. One that is gone is still
// called what it was.
func (p *program) logicalDir() (string, error) {
	dir, err := p.dir()
	if err != nil && filepath.IsAbs(p.getenv("PWD")) {
		return filepath.Clean(p.getenv("PWD")), nil
	}
	return dir, err
}

// configDir is where the user keeps definitions and settings.
func (p *program) configDir() (string, error) { return p.xdg("XDG_CONFIG_HOME", ".config") }

// configFile is where the user's settings are, for messages.
func (p *program) configFile() string {
	dir, err := p.configDir()
	if err != nil {
		return "config.yaml"
	}
	return filepath.Join(dir, "config.yaml")
}

// stateDir is where escenv remembers decisions: which .escenv are trusted.
func (p *program) stateDir() (string, error) { return p.xdg("XDG_STATE_HOME", ".local/state") }

// xdg returns escenv's directory below the one that variable names, or below
// HOME. A relative value does not count, as the XDG specification says.
func (p *program) xdg(variable, fallback string) (string, error) {
	if dir := p.getenv(variable); filepath.IsAbs(dir) {
		return filepath.Join(dir, "escenv"), nil
	}
	home := p.getenv("HOME")
	if !filepath.IsAbs(home) {
		return "", esc.Errorf(esc.Invalid, "HOME is not set").WithHint("set HOME or %s", variable)
	}
	return filepath.Join(home, fallback, "escenv"), nil
}

// runtimeDir is where the agent's socket and the hook's stamps are: a
// directory of this user's alone, gone after a reboot.
func (p *program) runtimeDir() string {
	if dir := p.getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "escenv")
	}
	tmp := p.getenv("TMPDIR")
	if !filepath.IsAbs(tmp) {
		tmp = "/tmp"
	}
	return filepath.Join(tmp, "escenv-"+strconv.Itoa(os.Getuid()))
}

// socketPath is where the agent for this configuration listens. Two homes
// under one runtime directory have an agent each.
func (p *program) socketPath() (string, error) {
	config, err := p.configDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(config))
	return filepath.Join(p.runtimeDir(), "agent-"+hex.EncodeToString(sum[:4])+".sock"), nil
}
