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
			[]string{"A=2", "B=", "ESCENV_ENV=a/b c/d", "ESCENV_VARS=A:B"},
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
			got, err := testProgram(t, test.ours...).childEnviron(&test.env)
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
		_, err := testProgram(t).childEnviron(&esc.Environment{Variables: []esc.Variable{v}})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", v.Name, err)
		}
	}
}

func TestMode(t *testing.T) {
	for _, test := range []struct {
		x    execution
		want string // part of how, or of the error
	}{
		{execution{tty: "auto"}, "pipes"},
		{execution{tty: "never"}, "pipes"},
		{execution{tty: "auto", noMask: true}, "place"},
		{execution{tty: "never", noMask: true}, "place"},
		{execution{tty: "always"}, "not a terminal"},
		{execution{tty: "perhaps"}, "use auto, always or never"},
	} {
		mode, err := testProgram(t).mode(&test.x)
		got := mode.how
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("--tty %s, no mask %v: %q, want %q", test.x.tty, test.x.noMask, got, test.want)
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
