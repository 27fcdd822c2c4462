package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
)

// Bounds of what a setting can be. The issuer's are AWS's and the issuer's own.
const (
	minLifetime = 10 * time.Second
	maxLifetime = time.Hour
	maxIdle     = 7 * 24 * time.Hour
	maxText     = 4096
	maxAudience = 255
	maxUser     = 64
)

// parse reads the text of a configuration. Its errors are Diagnostics.
func parse(file string, text []byte) (*Config, error) {
	d := &decoder{file: file}
	c := &Config{Audience: DefaultAudience, AWS: AWS{Region: DefaultRegion}, Agent: Agent{Idle: DefaultIdle}}
	if root := d.document(text); root != nil {
		d.object(root, "", map[string]setter{
			"identity": func(n *yaml.Node) { d.identity(n, &c.Identity) },
			"audience": d.text("audience", put(&c.Audience, word(maxAudience))),
			"aws":      func(n *yaml.Node) { d.aws(n, &c.AWS) },
			"hook": func(n *yaml.Node) {
				d.object(n, "hook", map[string]setter{
					"allow": d.texts("hook.allow", add(&c.Hook.Allow, variable)),
					"quiet": d.text("hook.quiet", yes(&c.Hook.Quiet)),
				})
			},
			"agent": func(n *yaml.Node) {
				d.object(n, "agent", map[string]setter{"idle": d.text("agent.idle", span(&c.Agent.Idle, time.Millisecond, maxIdle))})
			},
		})
	}
	if err := d.diags.Err(); err != nil {
		d.diags.Sort()
		return nil, d.diags
	}
	return c, nil
}

func (d *decoder) identity(n *yaml.Node, id *Identity) {
	d.object(n, "identity", map[string]setter{
		"issuer":  func(n *yaml.Node) { d.issuer(n, id) },
		"file":    d.text("identity.file", put(&id.File, absolute)),
		"env":     d.text("identity.env", put(&id.Env, variable)),
		"command": d.command(&id.Command),
		"github":  d.text("identity.github", yes(&id.GitHub)),
	})
	if n.Kind == yaml.MappingNode && len(n.Content) > 2 {
		d.wrong(n, "identity", "identity names several sources of tokens, and only one can be used")
	}
}

func (d *decoder) issuer(n *yaml.Node, id *Identity) {
	id.Issuer = &Issuer{}
	d.object(n, "identity.issuer", map[string]setter{
		"lifetime": d.text("identity.issuer.lifetime", span(&id.Issuer.Lifetime, minLifetime, maxLifetime)),
		"user":     d.text("identity.issuer.user", put(&id.Issuer.User, word(maxUser))),
	})
}

func (d *decoder) command(argv *[]string) setter {
	return d.texts("identity.command", func(text string) error {
		if len(*argv) == 0 {
			return add(argv, program)(text)
		}
		return add(argv, argument)(text)
	})
}

func (d *decoder) aws(n *yaml.Node, aws *AWS) {
	d.object(n, "aws", map[string]setter{
		"region":   d.text("aws.region", put(&aws.Region, region)),
		"endpoint": d.text("aws.endpoint", put(&aws.Endpoint, endpoint)),
	})
}

// put checks a text and keeps it.
func put(to *string, check func(string) error) func(string) error {
	return func(text string) error {
		*to = text
		return check(text)
	}
}

// add checks a text and keeps it with those before.
func add(to *[]string, check func(string) error) func(string) error {
	return func(text string) error {
		*to = append(*to, text)
		return check(text)
	}
}

func span(to *time.Duration, least, most time.Duration) func(string) error {
	return func(text string) error {
		value, err := time.ParseDuration(text)
		if err != nil || value < least || value > most {
			return fmt.Errorf("must be a time from %s to %s, like 2m", least, most)
		}
		*to = value
		return nil
	}
}

func yes(to *bool) func(string) error {
	return func(text string) error {
		*to = text == "true"
		if !*to {
			return errors.New("can only be true: leave it out otherwise")
		}
		return nil
	}
}

// word accepts printable text without spaces.
func word(most int) func(string) error {
	return func(text string) error {
		if len(text) > most || strings.ContainsFunc(text, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }) {
			return fmt.Errorf("must be at most %d bytes without spaces", most)
		}
		return nil
	}
}

func variable(text string) error {
	if !esc.IsVariableName(text) {
		return errors.New("must be the name of an environment variable")
	}
	return nil
}

func argument(text string) error {
	if len(text) > maxText || strings.ContainsRune(text, 0) {
		return fmt.Errorf("must be at most %d bytes without NUL", maxText)
	}
	return nil
}

func absolute(text string) error {
	if !filepath.IsAbs(text) || argument(text) != nil {
		return errors.New("must be an absolute path")
	}
	return nil
}

func program(text string) error {
	if strings.Contains(text, "/") && absolute(text) != nil || argument(text) != nil {
		return errors.New("must be a program: a name on the PATH or an absolute path")
	}
	return nil
}

func region(text string) error {
	if len(text) > 32 || !regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$`).MatchString(text) {
		return errors.New("must be an AWS region, like eu-west-1")
	}
	return nil
}

// endpoint accepts https, and http where nothing leaves this machine.
func endpoint(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxText || u.Host == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || strings.ContainsAny(text, "?#"):
		return errors.New("must be a URL like https://sts.example.com")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return errors.New("must be https: with http whoever listens gets the identity token")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("must be an https URL")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
