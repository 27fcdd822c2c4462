// Package config reads the user's settings, config.yaml. The agent alone reads
// them, and nothing that comes with a directory or a definition can change
// them: who sets the endpoint receives identity tokens.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
)

// FileName is what the file is called in the configuration directory.
const FileName = "config.yaml"

// What holds where the file says nothing.
const (
	DefaultAudience = "sts.amazonaws.com"
	DefaultRegion   = "us-east-1" // the STS of any region knows all roles of AWS's usual partition
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
	Region   string // "eu-west-1"
	Endpoint string // of STS, https or on this machine; empty for AWS's own in Region
}

// Hook says what the shell hook may do.
type Hook struct {
	Allow []string // variables it may set although they are code to some program
	Quiet bool     // it does not say what it loads, renews and unloads
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
	rule := safefile.Rule{UID: os.Geteuid(), Access: safefile.Trusted, Max: maxFile}
	text, _, err := safefile.Read(file, rule)
	var unsafe *safefile.UnsafeError
	switch {
	case errors.As(err, &unsafe):
		return nil, &esc.Error{Kind: esc.Refused, Summary: unsafe.Error(), Hint: unsafe.Hint}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return parse(file, text)
}
