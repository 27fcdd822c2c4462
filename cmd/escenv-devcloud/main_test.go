package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A server is an escenv-devcloud serve that runs in this process.
type server struct {
	state
	stateFile string
	stop      context.CancelFunc
	ended     chan int
}

func serve(t *testing.T, flags ...string) *server {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &server{stateFile: filepath.Join(t.TempDir(), "state.json"), stop: stop, ended: make(chan int, 1)}
	p := &program{
		args: append([]string{"serve", "--state-file", s.stateFile}, flags...), stdin: os.Stdin, stdout: write, stderr: os.Stderr, now: time.Now,
	}
	go func() {
		s.ended <- p.run(ctx)
		write.Close()
	}()
	line, err := bufio.NewReader(read).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &s.state); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return s
}

// output runs a command of this program and returns what it printed.
func output(t *testing.T, environ []string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var talk bytes.Buffer
	p := &program{args: args, environ: environ, stdin: os.Stdin, stdout: file, stderr: &talk, now: time.Now}
	status = p.run(t.Context())
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), talk.String(), status
}

// publish puts an issuer's discovery document where serve finds it: enough to
// be registered.
func publish(t *testing.T, dir string) {
	t.Helper()
	name := filepath.Join(dir, ".well-known", "openid-configuration")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *server) environ() []string {
	return []string{"AWS_ENDPOINT_URL=" + s.Endpoint, "AWS_ACCESS_KEY_ID=" + s.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + s.SecretAccessKey}
}

func TestServeSetupAndList(t *testing.T) {
	issuer := t.TempDir()
	publish(t, issuer)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	s := serve(t, "--issuer-dir", issuer, "--ca-file", caFile)
	for _, file := range []string{s.stateFile, caFile} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	stdout, stderr, status := output(t, nil, "setup", "--state-file", s.stateFile)
	if status != 0 || !strings.Contains(stdout, `"role_arn":"arn:aws:iam::123456789012:role/shop-dev"`) {
		t.Fatalf("setup: %d %s%s", status, stdout, stderr)
	}
	for _, tt := range []struct{ address, want string }{
		{"", "shop-receipts"}, {"s3://shop-receipts", "PRE 2026/"}, {"s3://shop-receipts/2026/11/", "receipt-1042.txt"},
	} {
		args := []string{"s3", "ls", tt.address}
		if tt.address == "" {
			args = args[:2]
		}
		if stdout, stderr, status := output(t, s.environ(), args...); status != 0 || !strings.Contains(stdout, tt.want) {
			t.Errorf("s3 ls %s: %d %s%s", tt.address, status, stdout, stderr)
		}
	}
	stdout, _, _ = output(t, nil, "admin", "--state-file", s.stateFile, "GET", "counts")
	if !strings.Contains(stdout, `"CreateRole":1`) {
		t.Errorf("counts: %s", stdout)
	}
	s.stop()
	if status := <-s.ended; status != 0 {
		t.Errorf("serve ended with %d", status)
	}
	for _, file := range []string{s.stateFile, caFile} {
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("%s was left behind: %v", file, err)
		}
	}
}

func TestServeEndsWithItsStdin(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{args: []string{"serve", "--until-eof"}, stdin: read, stdout: null(t), stderr: os.Stderr, now: time.Now}
	ended := make(chan int, 1)
	go func() { ended <- p.run(context.Background()) }()
	write.Close()
	if status := <-ended; status != 0 {
		t.Errorf("status %d", status)
	}
}

func null(t *testing.T) *os.File {
	t.Helper()
	file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func TestMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		args   []string
		want   string
		status int
	}{
		"nothing":            {nil, "usage:", 2},
		"an unknown command": {[]string{"x"}, "usage:", 2},
		"an unknown flag":    {[]string{"serve", "--x"}, "not defined", 2},
		"too many words":     {[]string{"serve", "x"}, "Usage", 2},
		"a public address":   {[]string{"serve", "--addr", "0.0.0.0:0"}, "loopback", 1},
		"a short account":    {[]string{"serve", "--account", "1"}, "12 digits", 1},
		"no state file":      {[]string{"setup"}, "--state-file", 1},
		"s3 rm":              {[]string{"s3", "rm"}, "usage:", 2},
		"no credentials":     {[]string{"s3", "ls"}, "Unable to locate credentials", 1},
		"help":               {[]string{"--help"}, "usage:", 0},
	} {
		if _, stderr, status := output(t, nil, tt.args...); status != tt.status || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: %d %s", name, status, stderr)
		}
	}
}

// TestTheAWSCLI uses S3 and STS as people do.
func TestTheAWSCLI(t *testing.T) {
	aws, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("there is no AWS CLI")
	}
	version, err := exec.Command(aws, "--version").CombinedOutput()
	if err != nil || !honoursEndpoint(string(version)) {
		t.Skipf("the AWS CLI is too old: %s", version)
	}
	s := serve(t)
	dir := t.TempDir()
	run := func(more []string, args ...string) string {
		cmd := exec.Command(aws, args...)
		cmd.Dir = dir
		cmd.Env = append([]string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_ENDPOINT_URL=" + s.Endpoint, "AWS_DEFAULT_REGION=eu-west-1",
			"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		}, more...)
		out, _ := cmd.CombinedOutput() // the text says what went wrong
		return string(out)
	}
	if err := os.WriteFile(filepath.Join(dir, "a b.txt"), []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := s.environ()
	wrong := slices.Concat(root, []string{"AWS_SECRET_ACCESS_KEY=wrong"})
	for _, tt := range []struct {
		environ []string
		line    string
		want    string
	}{
		{nil, "s3 ls", "Unable to locate credentials"},
		{wrong, "s3 ls", "SignatureDoesNotMatch"},
		{root, "sts get-caller-identity", "arn:aws:iam::123456789012:root"},
		{root, "s3 mb s3://shop", "make_bucket: shop"},
		{root, "s3 cp a|b.txt s3://shop/é/a+b|c.txt", "upload:"},
		{root, "s3 ls s3://shop --recursive", "6 é/a+b c.txt"},
		{root, "s3 cp s3://shop/é/a+b|c.txt -", "hello"},
		{root, "s3 rb s3://shop --force", "remove_bucket: shop"},
		{nil, "sts assume-role-with-web-identity --no-sign-request --role-arn arn:aws:iam::123456789012:role/x --role-session-name ab --web-identity-token abcd", "InvalidIdentityToken"},
	} {
		args := strings.Fields(tt.line)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "|", " ")
		}
		if out := run(tt.environ, args...); !strings.Contains(out, tt.want) {
			t.Errorf("aws %s: %s", tt.line, out)
		}
	}
}

func TestHonoursEndpoint(t *testing.T) {
	for version, want := range map[string]bool{
		"aws-cli/1.28.0 Python/3": false, "aws-cli/1.29.0 Python/3": true, "aws-cli/1.45.11 Python/3": true,
		"aws-cli/2.9.19 Python/3": false, "aws-cli/2.13.0 Python/3": true, "aws-cli/3.0.0": true, "": false, "aws-cli/x": false,
	} {
		if honoursEndpoint(version) != want {
			t.Errorf("%q: not %v", version, want)
		}
	}
}

func TestAStepLooksAtTheScreen(t *testing.T) {
	st := step{line: "aws s3 ls", shows: "shop", never: "Unable"}
	for _, tt := range []struct {
		shown  string
		status int
		ok     bool
	}{{"a shop\n", 0, true}, {"a shop\n", 1, false}, {"a cat\n", 0, false}, {"Unable to shop", 0, false}} {
		if err := st.check(tt.shown, tt.status); (err == nil) != tt.ok {
			t.Errorf("%q, %d: %v", tt.shown, tt.status, err)
		}
	}
	if got := plainText("\x1b]0;title\a\x1b[1;32mgreen\x1b[0m\r\n\x1b[?2004hx"); got != "green\nx" {
		t.Errorf("a person reads %q", got)
	}
}

// TestDemo runs the demo as CI does, without a terminal.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds escenv and its agent")
	}
	stdout, stderr, status := output(t, os.Environ(), "demo")
	if status != 0 {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	_, dir, found := strings.Cut(plainText(stdout), "escenv: /")
	dir, _, _ = strings.Cut("/"+dir, "/home/shop/.escenv")
	if _, err := os.Stat(dir); !found || !os.IsNotExist(err) {
		t.Errorf("%q was left behind: %v", dir, err)
	}
}

// TestServeAnswersAtOnce: the line is printed when it does, not before.
func TestServeAnswersAtOnce(t *testing.T) {
	s := serve(t)
	res, err := http.Get(s.Endpoint + "/")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", res.StatusCode)
	}
}
