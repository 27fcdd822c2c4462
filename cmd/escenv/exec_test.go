package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
)

func testProgram(t *testing.T, environ ...string) *program {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	return &program{environ: environ, stdin: null, stdout: null, stderr: null}
}

func testRun(t *testing.T, env *esc.Environment, environ ...string) *run {
	t.Helper()
	return &run{program: testProgram(t, environ...), execution: newExecution("exec"), env: env}
}

func variables(pairs ...string) []esc.Variable {
	var vars []esc.Variable
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		vars = append(vars, esc.Variable{Name: name, Value: esc.New(value)})
	}
	return vars
}

func TestChildEnviron(t *testing.T) {
	expires := time.Date(2026, 11, 23, 17, 0, 0, 0, time.FixedZone("CET", 3600))
	tests := map[string]struct {
		ours []string
		env  esc.Environment
		want []string
	}{
		"ours stays, the last of several": {
			[]string{"A=1", "B=2", "A=3", "strange"},
			esc.Environment{Name: "shop/dev", Variables: variables("C=4")},
			[]string{"A=3", "B=2", "C=4", "ESCENV_ENV=shop/dev", "ESCENV_VARS=C", "strange"},
		},
		"the environment's win": {
			[]string{"A=1", "ESCENV_ENV=outer", "ESCENV_FILE=/f", "ESCENV_EXPIRES=then"},
			esc.Environment{Name: "a/b c/d", Variables: variables("A=2", "B=")},
			[]string{"A=2", "B=", "ESCENV_ENV=outer > a/b c/d", "ESCENV_VARS=A:B"},
		},
		"other identities stay without keys": {
			[]string{"AWS_PROFILE=x", "AWS_SESSION_TOKEN=y"},
			esc.Environment{Name: "a/b", Variables: variables("A=1")},
			[]string{"A=1", "AWS_PROFILE=x", "AWS_SESSION_TOKEN=y", "ESCENV_ENV=a/b", "ESCENV_VARS=A"},
		},
		"other identities go with keys": {
			[]string{
				"AWS_REGION=r", "AWS_PROFILE=x", "AWS_DEFAULT_PROFILE=x", "AWS_SESSION_TOKEN=x", "AWS_SECURITY_TOKEN=x", "AWS_ROLE_ARN=x",
				"AWS_WEB_IDENTITY_TOKEN_FILE=x", "AWS_ROLE_SESSION_NAME=x", "AWS_CONTAINER_CREDENTIALS_FULL_URI=x", "AWS_CREDENTIAL_EXPIRATION=x",
				"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=x", "AWS_CONTAINER_AUTHORIZATION_TOKEN=x", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=x",
			},
			esc.Environment{Name: "a/b", Variables: variables("AWS_ACCESS_KEY_ID=k"), Expires: expires},
			[]string{
				"AWS_ACCESS_KEY_ID=k", "AWS_CREDENTIAL_EXPIRATION=2026-11-23T16:00:00Z", "AWS_REGION=r",
				"ESCENV_ENV=a/b", "ESCENV_EXPIRES=2026-11-23T16:00:00Z", "ESCENV_VARS=AWS_ACCESS_KEY_ID",
			},
		},
		"but for those the environment sets": {
			[]string{"AWS_SESSION_TOKEN=x"},
			esc.Environment{Name: "a/b", Variables: variables("AWS_ACCESS_KEY_ID=k", "AWS_PROFILE=p", "AWS_SESSION_TOKEN=t")},
			[]string{"AWS_ACCESS_KEY_ID=k", "AWS_PROFILE=p", "AWS_SESSION_TOKEN=t", "ESCENV_ENV=a/b", "ESCENV_VARS=AWS_ACCESS_KEY_ID:AWS_PROFILE:AWS_SESSION_TOKEN"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := testRun(t, &test.env, test.ours...).childEnviron()
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVariablesNoProcessCanHave(t *testing.T) {
	for _, v := range []esc.Variable{
		{Name: "", Value: esc.New("x")},
		{Name: "A=B", Value: esc.New("x")},
		{Name: "A", Value: esc.NewSecret("hunter2\x00")},
		{Name: "A", Value: esc.New([]esc.Value{})},
	} {
		_, err := testRun(t, &esc.Environment{Variables: []esc.Variable{v}}).childEnviron()
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", v.Name, err)
		}
	}
}

// The table of modes: the cheapest that does all that is asked.
func TestMode(t *testing.T) {
	nowhere, terminal := streams{}, streams{true, true, true}
	for name, test := range map[string]struct {
		line   string
		masked bool
		also   []string // what else escenv has to stay for
		on     streams
		want   string
		why    string
	}{
		"nothing to do":                 {"x", false, nil, terminal, "replace", "there is no secret to mask"},
		"nothing to do, as was asked":   {"-i x", false, nil, terminal, "replace", "nothing is to be masked"},
		"replace, as was asked":         {"--replace x", false, nil, terminal, "replace", "--replace"},
		"masked, no terminal":           {"x", true, nil, nowhere, "pipes", "neither stdout nor stderr is a terminal, and secrets"},
		"masked, terminals":             {"x", true, nil, terminal, "pty", "stdout is a terminal, and secrets"},
		"masked, in front of a pipe":    {"x", true, nil, streams{in: true, err: true}, "output", "stderr is a terminal, stdout is not, and secrets"},
		"masked, behind a pipe":         {"x", true, nil, streams{out: true, err: true}, "pty", "stdout is a terminal, and secrets"},
		"masked, only stdin":            {"x", true, nil, streams{in: true}, "pipes", ""},
		"masked, no terminal wanted":    {"--tty=never x", true, nil, terminal, "pipes", "--tty=never, and secrets"},
		"masked, only output wanted":    {"--tty=output x", true, nil, terminal, "output", "--tty=output, and secrets"},
		"output wanted, no terminal":    {"--tty=output x", true, nil, nowhere, "pipes", ""},
		"terminal wanted, no terminal":  {"--tty=always x", true, nil, nowhere, "pty", "--tty=always"},
		"terminal wanted, unmasked":     {"--tty=always -i x", false, nil, nowhere, "pty", "--tty=always"},
		"files on a terminal":           {"-i x", false, []string{"files"}, terminal, "shared", "files"},
		"files and a time limit, piped": {"-i x", false, []string{"files", "--timeout"}, nowhere, "shared", "files and --timeout"},
		"files and secrets":             {"x", true, []string{"files"}, nowhere, "pipes", "secrets and files"},
	} {
		x, err := parseExec(strings.Fields(test.line))
		if err != nil {
			t.Fatal(err)
		}
		reasons := test.also
		if test.masked {
			reasons = append([]string{"secrets"}, test.also...)
		}
		got := x.chooseMode(test.masked, reasons, test.on)
		if got.name != test.want || !strings.Contains(got.why, test.why) {
			t.Errorf("%s: %s: %s, want %s: %s", name, got.name, got.why, test.want, test.why)
		}
	}
}

// An environment whose AWS credentials end.
func expiring() *esc.Environment {
	end := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)
	env := &esc.Environment{Name: "a/b", Expires: end, Leases: []esc.Lease{{Name: "aws-login", Expires: end}}}
	env.Variables = variables("AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "OTHER=o")
	env.Variables[1].Leases = []int{0}
	return env
}

func TestServedIfItExpiresAndSomebodyMayWait(t *testing.T) {
	static := expiring()
	static.Leases[0].Expires = time.Time{}
	terminal, piped := streams{true, true, true}, streams{}
	for _, test := range []struct {
		line string
		env  *esc.Environment
		on   streams
		want bool
	}{
		{"x", expiring(), terminal, true},
		{"x", expiring(), piped, false},
		{"x", static, terminal, false},
		{"--refresh x", expiring(), piped, true},
		{"--on-expiry=refresh x", expiring(), piped, true},
		{"--on-expiry=refresh x", static, piped, false},
		{"--on-expiry=kill x", expiring(), terminal, false},
		{"--on-expiry=warn x", expiring(), terminal, false},
		{"--no-refresh x", expiring(), terminal, false},
		{"--replace x", expiring(), terminal, false},
	} {
		x, err := parseExec(strings.Fields(test.line))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := x.serves(test.env, test.on); got != test.want || err != nil {
			t.Errorf("%s: %v, %v, want %v", test.line, got, err, test.want)
		}
	}
	if _, err := (&execution{refresh: true}).serves(static, piped); err == nil {
		t.Error("--refresh of what does not expire is no error")
	}
}

func TestServedCredentialsAreNotSetAsWell(t *testing.T) {
	r := testRun(t, expiring(), "AWS_PROFILE=x", "AWS_REGION=r")
	r.served = &served{URL: "http://127.0.0.1:1/x", Token: "t"}
	got, err := r.childEnviron()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	want := []string{
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=t", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/x", "AWS_REGION=r", "ESCENV_ENV=a/b",
		"ESCENV_VARS=AWS_CONTAINER_AUTHORIZATION_TOKEN:AWS_CONTAINER_CREDENTIALS_FULL_URI:OTHER", "OTHER=o",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheCommandInherits(t *testing.T) {
	ours := []string{"HOME=/h", "PATH=/p", "EDITOR=vi", "AWS_REGION=r", "LC_ALL=C", "ESCENV_ENV=outer"}
	for line, want := range map[string]string{
		"--pristine x":  "A=1 ESCENV_ENV=outer > a/b ESCENV_VARS=A HOME=/h LC_ALL=C PATH=/p",
		"--clear-aws x": "A=1 EDITOR=vi ESCENV_ENV=outer > a/b ESCENV_VARS=A HOME=/h LC_ALL=C PATH=/p",
	} {
		r := testRun(t, &esc.Environment{Name: "a/b", Variables: variables("A=1")}, ours...)
		var err error
		if r.execution, err = parseExec(strings.Fields(line)); err != nil {
			t.Fatal(err)
		}
		got, err := r.childEnviron()
		slices.Sort(got)
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
}

func TestEnvironmentsStack(t *testing.T) {
	for _, test := range []struct{ below, name, want string }{
		{"", "a/b", "a/b"},
		{"a/b", "c/d", "a/b > c/d"},
		{"a/b > c/d", "c/d", "a/b > c/d"},
		{"a/b", "a/b", "a/b"},
		{"x/a/b", "a/b", "x/a/b > a/b"},
		{"a/b > c/d", "a/b", "a/b > c/d > a/b"},
	} {
		if got := stacked(test.below, test.name); got != test.want {
			t.Errorf("%q on %q: %q, want %q", test.name, test.below, got, test.want)
		}
	}
}

func TestHintForAReferenceWithoutFlag(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"shop/dev aws s3 ls", "escenv exec -e shop/dev -- aws ..."},
		{"shop/dev aws", "escenv exec -e shop/dev -- aws"},
		{"shop/dev", "escenv exec -e shop/dev -- COMMAND"},
		{"aws s3 ls", withAnyReference},
		{"./script", withAnyReference},
	} {
		if got := testProgram(t).withReference(strings.Fields(test.args)); got != test.want {
			t.Errorf("%s: %q, want %q", test.args, got, test.want)
		}
	}
}
