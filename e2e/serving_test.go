package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A serving is an escenv exec --refresh whose command does nothing until it is
// told to end.
type serving struct {
	t          *testing.T
	cmd        *exec.Cmd
	stdin      io.Closer
	url, token string
}

// startServing starts one and finds out where its credentials are.
func (d *devcloud) startServing(t *testing.T, flags ...string) *serving {
	t.Helper()
	given := filepath.Join(d.path("given"), t.Name()) // the canary does not look there
	if err := os.MkdirAll(given, 0o700); err != nil {
		t.Fatal(err)
	}
	told := filepath.Join(given, "told")
	command := `printenv AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN >$0.new && mv $0.new $0 && cat`
	args := append([]string{"exec", "--refresh", "-e", "shop/prod"}, flags...)
	s := &serving{t: t, cmd: exec.Command(filepath.Join(lab.bin, "escenv"), append(args, "--", "sh", "-c", command, told)...)}
	record := lab.output(t, "serving")
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = d.dir, d.env, record, record
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stdin.Close(); s.cmd.Wait(); record.Close() })
	within(t, patience, "the command never ran", func() bool { return exists(told) })
	text, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	s.url, s.token, _ = strings.Cut(strings.TrimSpace(string(text)), "\n")
	lab.canary.learn("an endpoint's token", s.token)
	return s
}

// within waits for something to become true.
func within(t *testing.T, limit time.Duration, otherwise string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(limit); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(otherwise)
		}
	}
}

// ask asks for credentials as the clients do.
func (s *serving) ask() (status int, answer map[string]string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", s.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// gone reports whether nobody listens at the endpoint.
func (s *serving) gone() bool {
	address, _, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), "/")
	conn, err := net.Dial("tcp", address)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

const shortLife = 8 * time.Second

func TestServing(t *testing.T) {
	d := startDevcloud(t, shortLife)
	t.Run("what clients prefer to an endpoint", d.testRivals)
	t.Run("credential-process", d.testCredentialProcess)
	for _, flags := range [][]string{nil, {"--no-agent"}} {
		t.Run(strings.Join(append([]string{"ends with the command"}, flags...), " "), func(t *testing.T) {
			s := d.startServing(t, flags...)
			if status, _ := s.ask(); status != http.StatusOK {
				t.Errorf("the endpoint answers %d", status)
			}
			s.stdin.Close()
			if err := s.cmd.Wait(); err != nil || !s.gone() {
				t.Errorf("somebody still listens; escenv ended with %v", err)
			}
		})
	}
	t.Run("ends when escenv is killed", func(t *testing.T) {
		s := d.startServing(t)
		s.cmd.Process.Kill()
		s.cmd.Wait()
		within(t, patience, "somebody still listens", s.gone)
	})
	t.Run("without the shared agent", d.testAgentGone)
	t.Run("while STS fails", d.testOutage)
}

// testAgentGone has the shared agent stopped and started while a command runs,
// for two sessions' lives. The command notices nothing.
func (d *devcloud) testAgentGone(t *testing.T) {
	s := d.startServing(t)
	keys := map[string]bool{}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * shortLife); time.Now().Before(end); <-tick.C {
		status, answer := s.ask()
		if status != http.StatusOK {
			t.Fatalf("the endpoint answers %d %v", status, answer)
		}
		if key := answer["AccessKeyId"]; !keys[key] {
			keys[key] = true // what comes next has to do without, or with another
			d.must(".", "escenv", "agent", []string{"stop", "start"}[len(keys)%2])
		}
	}
	if len(keys) < 3 {
		t.Errorf("there were %d keys in two lives", len(keys))
	}
}

// testOutage has STS fail from before credentials end until some time after.
func (d *devcloud) testOutage(t *testing.T) {
	s := d.startServing(t)
	d.admin("POST", "faults", `{"action":"AssumeRoleWithWebIdentity","code":"ServiceUnavailable","message":"not today","status":503,"times":100000}`)
	lasted := time.Now()
	within(t, 2*shortLife, "credentials outlive their end", func() bool {
		status, answer := s.ask()
		if status == http.StatusOK {
			lasted = time.Now()
			return false
		}
		if answer["code"] != "CredentialsExpired" || !strings.Contains(answer["message"], "the credentials of shop/prod expired at 20") {
			t.Errorf("the endpoint answers %d %v", status, answer)
		}
		return true
	})
	if waited := time.Since(lasted); waited > patience/4 {
		t.Errorf("a client waited %s for an error", waited)
	}
	d.admin("DELETE", "faults")
	within(t, 3*patience, "credentials never come back", func() bool { status, _ := s.ask(); return status == http.StatusOK })
}

// testRivals has every client meet all that it would take before an endpoint.
func (d *devcloud) testRivals(t *testing.T) {
	const keys = "aws_access_key_id = AKIAWRONG\naws_secret_access_key = wrong\n"
	d.write("aws/config", "[default]\nregion = us-east-1\ncredential_process = false\n[profile other]\n"+keys)
	d.write("aws/credentials", "[default]\n"+keys+"[other]\n"+keys)
	before := d.env
	defer func() { d.env = before }()
	d.env = append(d.env, "AWS_CONFIG_FILE="+d.path("aws/config"), "AWS_SHARED_CREDENTIALS_FILE="+d.path("aws/credentials"),
		"AWS_ACCESS_KEY_ID=AKIAWRONG", "AWS_SECRET_ACCESS_KEY=wrong", "AWS_SECURITY_TOKEN=wrong", "AWS_SESSION_TOKEN=wrong",
		"AWS_PROFILE=other", "AWS_DEFAULT_PROFILE=other", "AWS_ROLE_ARN=wrong", "AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/wrong", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/wrong")
	for name := range clients {
		t.Run(name, func(t *testing.T) {
			command := append([]string{"escenv", "exec", "--refresh", "-e", "shop/prod", "--"}, d.reads(t, name, 0)...)
			if r := d.run(".", command...); r.status != 0 || len(d.requests(name)) == 0 {
				t.Errorf("exit status %d\n%s%s", r.status, r.stdout, r.stderr)
			}
		})
	}
	if left, _ := filepath.Glob(d.path("run/escenv/files/*/*")); len(left) > 0 {
		t.Errorf("the commands left %v", left)
	}
}

// testCredentialProcess has every client run it, as ~/.aws/config says.
func (d *devcloud) testCredentialProcess(t *testing.T) {
	d.write("aws/config", "[profile shop]\ncredential_process = "+filepath.Join(lab.bin, "escenv")+" credential-process shop/prod\nregion = us-east-1\n")
	before := d.env
	defer func() { d.env = before }()
	d.env = append(d.env, "AWS_CONFIG_FILE="+d.path("aws/config"), "AWS_PROFILE=shop")
	calls := d.cloud.sts.calls.Load()
	for name := range clients {
		t.Run(name, func(t *testing.T) {
			used := len(d.requests(name))
			if r := d.run(".", d.reads(t, name, 0)...); r.status != 0 || len(d.requests(name)) == used {
				t.Errorf("exit status %d\n%s%s", r.status, r.stdout, r.stderr)
			}
		})
	}
	if now := d.cloud.sts.calls.Load(); now > calls+int32(len(clients)) {
		t.Errorf("STS was called %d times", now-calls)
	}
}
