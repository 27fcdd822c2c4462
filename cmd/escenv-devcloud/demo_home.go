package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/escenv/escenv"

// build compiles escenv and its agent into the demo's bin.
func (d *demo) build(ctx context.Context) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return errors.New("run the demo in escenv's source tree: make demo")
	}
	d.say("building escenv and escenv-agent")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "urfave_cli_no_docs", "-o", d.path("bin")+"/", "./cmd/escenv", "./cmd/escenv-agent")
	cmd.Dir, cmd.Stderr = strings.TrimSpace(string(root)), d.stderr
	cmd.Env = slices.Concat(d.environ, []string{"CGO_ENABLED=0"})
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	return nil
}

// makeHome makes a home with a project, an issuer and escenv's settings.
func (d *demo) makeHome(ctx context.Context) error {
	files := map[string]string{
		"home/shop/.escenv":               demoEnv + "\n",
		"home/shop/README":                "A project. .escenv names the environment it is worked on with.\n",
		"home/.config/escenv/config.yaml": "identity:\n  issuer: {user: alice}\naws:\n  region: " + defaultRegion + "\n  endpoint: " + d.site.Endpoint + "\n",
	}
	for name, text := range files {
		if err := d.write(name, text); err != nil {
			return err
		}
	}
	for _, dir := range []string{"run", "tmp"} {
		if err := os.Mkdir(d.path(dir), 0o700); err != nil {
			return err
		}
	}
	if err := d.escenv(ctx, nil, "issuer", "init", d.site.IssuerURL+demoPath); err != nil {
		return err
	}
	return d.escenv(ctx, nil, "issuer", "publish", d.path("public"+demoPath))
}

func (d *demo) write(name, text string) error {
	file := d.path(name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o600)
}

// define makes the definition that the project's .escenv names.
func (d *demo) define(ctx context.Context) error {
	definition := `values:
  aws:
    login:
      fn::open::aws-login:
        oidc:
          roleArn: arn:aws:iam::` + defaultAccount + `:role/` + demoRole + `
          sessionName: demo
          duration: 1h
  environmentVariables:
    AWS_ACCESS_KEY_ID: ${aws.login.accessKeyId}
    AWS_SECRET_ACCESS_KEY: ${aws.login.secretAccessKey}
    AWS_SESSION_TOKEN: ${aws.login.sessionToken}
    AWS_REGION: ` + defaultRegion + `
    PAYMENT_KEY:
      fn::secret: ` + d.secret + "\n"
	return d.escenv(ctx, []byte(definition), "env", "init", demoEnv, "--file", "-")
}

// escenv runs the escenv that was built, in the demo's home.
func (d *demo) escenv(ctx context.Context, stdin []byte, args ...string) error {
	cmd := exec.CommandContext(ctx, d.path("bin/escenv"), args...)
	cmd.Dir, cmd.Env, cmd.Stdin = d.path("home"), d.shellEnviron(), bytes.NewReader(stdin)
	if _, err := os.Stat(cmd.Dir); err != nil {
		cmd.Dir = d.dir
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("escenv %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// shellEnviron is the environment of the demo's shell: little of the person's
// own, and no credentials.
func (d *demo) shellEnviron() []string {
	env := []string{
		"HOME=" + d.path("home"), "XDG_RUNTIME_DIR=" + d.path("run"), "TMPDIR=" + d.path("tmp"), "ZDOTDIR=" + d.path("home"),
		"PATH=" + d.path("bin") + string(os.PathListSeparator) + d.getenv("PATH"), "SHELL=" + d.shell, "HISTFILE=",
	}
	for _, name := range []string{"TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "USER", "LOGNAME", "TZ"} {
		if value := d.getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	if d.site == nil {
		return env
	}
	return append(env, "AWS_ENDPOINT_URL="+d.site.Endpoint, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
}

// findAWS looks for an AWS CLI, and puts a stand-in where there is none.
func (d *demo) findAWS(ctx context.Context) error {
	own, err := exec.LookPath("aws")
	var version []byte
	if err == nil {
		version, err = exec.CommandContext(ctx, own, "--version").CombinedOutput()
	}
	switch {
	case err != nil:
		return d.standIn(`exec "`+d.self()+`" "$@"`, "no AWS CLI is installed: aws is a small lister of escenv-devcloud's, which reads the same AWS_* variables")
	case !honoursEndpoint(string(version)):
		return d.standIn(`exec "`+own+`" --endpoint-url "$AWS_ENDPOINT_URL" "$@"`, "the AWS CLI is an old one: aws passes it --endpoint-url")
	}
	d.say("aws is %s", strings.Fields(string(version))[0])
	return nil
}

// standIn makes an aws that runs command.
func (d *demo) standIn(command, why string) error {
	d.say("%s", why)
	if err := d.write("bin/aws", "#!/bin/sh\n"+command+"\n"); err != nil {
		return err
	}
	return os.Chmod(d.path("bin/aws"), 0o700) //nolint:gosec // it is a program
}

// self is this program's own file.
func (d *demo) self() string {
	file, err := os.Executable()
	if err != nil {
		return "escenv-devcloud"
	}
	return file
}

// honoursEndpoint reports whether an AWS CLI reads AWS_ENDPOINT_URL: since 1.29
// and 2.13.
func honoursEndpoint(version string) bool {
	found := regexp.MustCompile(`aws-cli/(\d+)\.(\d+)\.`).FindStringSubmatch(version)
	if found == nil {
		return false
	}
	major, _ := strconv.Atoi(found[1]) // digits, as was matched
	minor, _ := strconv.Atoi(found[2])
	return major == 1 && minor >= 29 || major == 2 && minor >= 13 || major > 2
}
