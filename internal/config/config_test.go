package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/config"
	"github.com/escenv/escenv/internal/esc"
)

// write puts text where Load looks for it.
func write(t *testing.T, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func defaults(change func(*config.Config)) *config.Config {
	c := &config.Config{Audience: "sts.amazonaws.com", AWS: config.AWS{Region: "us-east-1"}, Agent: config.Agent{Idle: time.Hour}}
	change(c)
	return c
}

func TestWithoutAFileDefaultsHold(t *testing.T) {
	got, err := config.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaults(func(*config.Config) {}), got); diff != "" {
		t.Error(diff)
	}
}

func TestLoad(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       func(*config.Config)
	}{
		{"empty", "", func(*config.Config) {}},
		{"only a comment", "# nothing yet\n", func(*config.Config) {}},
		{"sections without content", "identity:\naws:\nhook:\n", func(*config.Config) {}},
		{"own issuer", "identity: {issuer: {lifetime: 5m, user: alice}}", func(c *config.Config) {
			c.Identity.Issuer = &config.Issuer{Lifetime: 5 * time.Minute, User: "alice"}
		}},
		{"own issuer as it is", "identity:\n  issuer:\n", func(c *config.Config) { c.Identity.Issuer = &config.Issuer{} }},
		{"file", "identity: {file: /run/token}", func(c *config.Config) { c.Identity.File = "/run/token" }},
		{"variable", "identity: {env: ID_TOKEN}", func(c *config.Config) { c.Identity.Env = "ID_TOKEN" }},
		{"command", "identity: {command: [vault, read, --field, token]}", func(c *config.Config) {
			c.Identity.Command = []string{"vault", "read", "--field", "token"}
		}},
		{"github", "identity: {github: true}", func(c *config.Config) { c.Identity.GitHub = true }},
		{"everything else", "audience: escenv:team\naws:\n  region: us-gov-west-1\n  endpoint: http://127.0.0.1:9000\nhook:\n  allow: [PATH, NODE_OPTIONS]\n  quiet: true\nagent: {idle: 90s}\n", func(c *config.Config) {
			c.Audience = "escenv:team"
			c.AWS = config.AWS{Region: "us-gov-west-1", Endpoint: "http://127.0.0.1:9000"}
			c.Hook = config.Hook{Allow: []string{"PATH", "NODE_OPTIONS"}, Quiet: true}
			c.Agent.Idle = 90 * time.Second
		}},
		{"endpoint on the network", "aws: {endpoint: 'https://sts.example.com/x'}", func(c *config.Config) { c.AWS.Endpoint = "https://sts.example.com/x" }},
		{"endpoint on IPv6 loopback", "aws: {endpoint: 'http://[::1]:9000'}", func(c *config.Config) { c.AWS.Endpoint = "http://[::1]:9000" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := config.Load(write(t, tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(defaults(tt.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is wrong is shown where it stands, all of it at once.
func TestMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string // "line:col: summary"
		hint       string   // of the first
	}{
		{"misspelt", "aws:\n  regoin: eu-west-1\n", []string{"2:3: there is no setting aws.regoin"}, "did you mean region?"},
		{"invented", "telemetry: off\n", []string{"1:1: there is no setting telemetry"}, "there is agent, audience, aws, hook, identity"},
		{"several", "audience: a b\nagent: {idle: soon}\n", []string{"1:11: audience must be at most 255 bytes without spaces", "2:15: agent.idle must be a time from 1ms to 168h0m0s, like 2m"}, ""},
		{"twice", "audience: a\naudience: b\n", []string{"2:1: audience is set twice"}, ""},
		{"two sources", "identity: {env: A, file: /b}", []string{"1:11: identity names several sources of tokens, and only one can be used"}, ""},
		{"github off", "identity: {github: false}", []string{"1:20: identity.github can only be true: leave it out otherwise"}, ""},
		{"relative file", "identity: {file: token}", []string{"1:18: identity.file must be an absolute path"}, ""},
		{"relative command", "identity: {command: [./mint]}", []string{"1:22: identity.command[0] must be a program: a name on the PATH or an absolute path"}, ""},
		{"shell string", "identity: {command: mint a token}", []string{"1:21: identity.command must be a list"}, ""},
		{"empty command", "identity: {command: []}", []string{"1:21: identity.command is empty"}, ""},
		{"no variable", "identity: {env: 'A=B'}", []string{"1:17: identity.env must be the name of an environment variable"}, ""},
		{"lifetime", "identity: {issuer: {lifetime: 2h}}", []string{"1:31: identity.issuer.lifetime must be a time from 10s to 1h0m0s, like 2m"}, ""},
		{"region", "aws: {region: eu-west1}", []string{"1:15: aws.region must be an AWS region, like eu-west-1"}, ""},
		{"region that is a host", "aws: {region: evil.example/eu-west-1}", []string{"1:15: aws.region must be an AWS region, like eu-west-1"}, ""},
		{"http", "aws: {endpoint: 'http://sts.example.com'}", []string{"1:17: aws.endpoint must be https: with http whoever listens gets the identity token"}, ""},
		{"http to almost loopback", "aws: {endpoint: 'http://127.0.0.1.example.com'}", []string{"1:17: aws.endpoint must be https: with http whoever listens gets the identity token"}, ""},
		{"ftp", "aws: {endpoint: 'ftp://127.0.0.1'}", []string{"1:17: aws.endpoint must be an https URL"}, ""},
		{"password", "aws: {endpoint: 'https://u:p@sts.example.com'}", []string{"1:17: aws.endpoint must be a URL like https://sts.example.com"}, ""},
		{"allowed name", "hook: {allow: ['A B']}", []string{"1:16: hook.allow[0] must be the name of an environment variable"}, ""},
		{"loud", "hook: {quiet: no}", []string{"1:15: hook.quiet can only be true: leave it out otherwise"}, ""},
		{"list for object", "aws: [eu-west-1]", []string{"1:6: aws must be an object"}, ""},
		{"not an object", "just words", []string{"1:1: the configuration must be an object"}, ""},
		{"nothing", "audience:", []string{"1:10: audience is empty"}, ""},
		{"anchor", "audience: &a x", []string{"1:11: anchors and aliases are not understood here"}, ""},
		{"merge", "<<: {audience: x}", []string{"1:1: there is no setting <<"}, "there is agent, audience, aws, hook, identity"},
		{"tag", "audience: !!binary eA==", []string{"1:11: tags are not understood here"}, ""},
		{"two documents", "audience: a\n---\naudience: b\n", []string{"2:1: there is a second document in this file"}, ""},
		{"no YAML", "aws:\n  region: [eu\n", []string{"this is not YAML"}, ""},
		{"no text", "audience: \xff\xfe", []string{"this is not UTF-8 text"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, tt.text)
			got, err := config.Load(dir)
			var diags esc.Diagnostics
			if got != nil || !errors.As(err, &diags) || len(diags) != len(tt.want) {
				t.Fatalf("Load = %+v, %v; want %d diagnostics", got, err, len(tt.want))
			}
			file := filepath.Join(dir, config.FileName)
			for i, want := range tt.want {
				if text := strings.TrimPrefix(diags[i].String(), file+":"); !strings.Contains(text, want) {
					t.Errorf("diagnostic %d = %q, want %q", i, text, want)
				}
				if diags[i].File != file {
					t.Errorf("diagnostic %d is in %q", i, diags[i].File)
				}
			}
			if diags[0].Hint != tt.hint {
				t.Errorf("hint %q, want %q", diags[0].Hint, tt.hint)
			}
		})
	}
}

// Whoever can write the file can have identity tokens sent to themselves.
func TestAFileOthersCanWriteIsRefused(t *testing.T) {
	dir := write(t, "audience: a")
	file := filepath.Join(dir, config.FileName)
	if err := os.Chmod(file, 0o646); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(dir)
	var e *esc.Error
	if !errors.As(err, &e) || e.Kind != esc.Refused || !strings.Contains(e.Summary, "can be written by anybody: its mode is 0646") || e.Hint != "chmod go-w "+file {
		t.Errorf("error %+v", err)
	}
}

func TestALinkCountsAsWhatItNames(t *testing.T) {
	kept := write(t, "audience: dotfiles")
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(kept, config.FileName), filepath.Join(dir, config.FileName)); err != nil {
		t.Fatal(err)
	}
	got, err := config.Load(dir)
	if err != nil || got.Audience != "dotfiles" {
		t.Errorf("Load = %+v, %v", got, err)
	}
}

func TestALongFileIsRefused(t *testing.T) {
	full := "# " + strings.Repeat("x", 64<<10-3) + "\n"
	if _, err := config.Load(write(t, full)); err != nil {
		t.Errorf("64 KiB: %v", err)
	}
	var e *esc.Error
	if _, err := config.Load(write(t, full+"#")); !errors.As(err, &e) || !strings.Contains(e.Summary, "longer than 64 KiB") {
		t.Errorf("64 KiB and a byte: %v", err)
	}
}

// Whatever the file holds, Load gives a configuration that keeps its rules or
// Diagnostics that stand in the file.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"identity: {issuer: {lifetime: 2m, user: alice}}\naws: {region: eu-west-1}\n",
		"identity: {command: [a, b]}\nhook: {allow: [A]}", "aws: &x {endpoint: *x}", "<<: [", "? - :", "a: !!set {b}\n---\n...", "\xef\xbb\xbfaudience: x",
	} {
		f.Add(seed)
	}
	dir := f.TempDir()
	file := filepath.Join(dir, config.FileName)
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(dir)
		var diags esc.Diagnostics
		var e *esc.Error
		switch {
		case err == nil:
			if c.Audience == "" || c.Agent.Idle <= 0 || strings.HasPrefix(c.AWS.Endpoint, "http://") && !strings.Contains(c.AWS.Endpoint, "1") && !strings.Contains(strings.ToLower(c.AWS.Endpoint), "localhost") {
				t.Errorf("accepted %+v", c)
			}
		case errors.As(err, &diags):
			for _, d := range diags {
				if d.File != file || strings.ContainsAny(d.Summary, "\n\x1b") {
					t.Errorf("diagnostic %+v", d)
				}
			}
		case !errors.As(err, &e):
			t.Errorf("error %v", err)
		}
	})
}
