// Package config reads the user's settings, config.yaml. The agent alone reads
// them, and nothing that comes with a directory or a definition can change
// them: who sets the endpoint receives identity tokens.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// FileName is what the file is called in the configuration directory.
const FileName = "config.yaml"

// What holds where the file says nothing.
const (
	DefaultAudience = "sts.amazonaws.com"
	DefaultIdle     = time.Hour
)

// maxFile is the longest file that is read, in bytes.
const maxFile = 64 << 10

// A Config is the user's settings.
type Config struct {
	Identity Identity
	Audience string // what identity tokens are for
	AWS      AWS
	Hook     Hook
	Agent    Agent
}

// Identity says where identity tokens come from: at most one field is set, and
// none if the user did not choose.
type Identity struct {
	Issuer  *Issuer  // the own issuer
	File    string   // a file with a token, absolute
	Env     string   // an environment variable with a token
	Command []string // a program that prints a token, and its arguments
	GitHub  bool     // GitHub Actions
}

// Issuer says how the own issuer signs.
type Issuer struct {
	Lifetime time.Duration // of a token, 10s to 1h; zero for the issuer's default
	User     string        // named in the subject; empty for the login name
}

// AWS says where STS is.
type AWS struct {
	Region   string // "eu-west-1"; empty if none is set
	Endpoint string // of STS, https or on this machine; empty for AWS's own in Region
}

// Hook says what the shell hook may do.
type Hook struct {
	Allow []string // variables it may set although they are code to some program
}

// Agent says how the agent behaves.
type Agent struct {
	Idle time.Duration // it leaves after so long without a question
}

// Load reads config.yaml in dir; without one every default holds. It returns
// Diagnostics if the file is wrong, and an *esc.Error of kind Refused if
// another user could have written it.
func Load(dir string) (*Config, error) {
	file := filepath.Join(dir, FileName)
	text, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return parse(file, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return parse(file, text)
}

// readFile reads a file that only this user, or root, can have written. A
// symbolic link is followed; what counts is the file it ends at.
func readFile(file string) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := own(file, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = esc.Errorf(esc.Invalid, "%s is longer than %d KiB", file, maxFile>>10)
	}
	return text, err
}

func own(file string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return esc.Errorf(esc.Refused, "%s is not a regular file", file)
	case !ok || stat.Uid != 0 && int(stat.Uid) != os.Geteuid():
		return esc.Errorf(esc.Refused, "%s belongs to another user", file).
			WithHint("chown it to yourself when you have read what it says")
	case info.Mode().Perm()&0o022 != 0:
		return esc.Errorf(esc.Refused, "%s can be changed by other users: its mode is %04o", file, info.Mode().Perm()).
			WithHint("chmod go-w %s", file)
	}
	return nil
}
