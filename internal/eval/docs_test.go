package eval_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
	"github.com/escenv/escenv/internal/provider/awslogin"
)

// These tests hold docs/language.md against the code: its examples run.

func languagePage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// examples returns the page's definitions.
func examples(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(languagePage(t), -1) {
		found = append(found, m[1])
	}
	if len(found) < 9 {
		t.Fatalf("the page has %d examples", len(found))
	}
	return found
}

// A cloud answers a sign-in, if it is that of the first example.
type cloud struct{}

func (cloud) Token(context.Context, esc.TokenRequest) (esc.Token, error) {
	return esc.Token{JWT: esc.NewSecret("e30.e30.e30"), Expires: epoch.Add(time.Minute)}, nil
}

func (cloud) AssumeRoleWithWebIdentity(_ context.Context, in *sts.AssumeRoleWithWebIdentityInput, _ ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	if *in.RoleArn != "arn:aws:iam::123456789012:role/shop-dev" || *in.RoleSessionName != "escenv" || *in.DurationSeconds != 3600 {
		return nil, errors.New("this is not the example's sign-in")
	}
	return &sts.AssumeRoleWithWebIdentityOutput{Credentials: &types.Credentials{
		AccessKeyId: aws.String("id"), SecretAccessKey: aws.String("key"), SessionToken: aws.String("token"), Expiration: aws.Time(epoch.Add(time.Hour)),
	}}, nil
}

// documented evaluates shop/dev, with the imports the page speaks of.
func documented(t *testing.T, text string) (*eval.Evaluator, *definitions) {
	t.Helper()
	loader := &definitions{texts: map[string]string{
		"shop/dev": text, "shop/common": "values: {db: {host: overridden, port: 5432}}", "shop/tools": `values: {version: "1.2"}`,
	}}
	now := func() time.Time { return epoch }
	login := &awslogin.Provider{Tokens: cloud{}, STS: cloud{}, Now: now}
	return &eval.Evaluator{Loader: loader, Providers: map[string]esc.Provider{"aws-login": login}}, loader
}

func TestTheLanguagePagesDefinition(t *testing.T) {
	e, loader := documented(t, examples(t)[0])
	checked, err := e.Check(t.Context(), request(t, "shop/dev", 0).Refs[0])
	if err != nil || len(checked.Warnings) > 0 {
		t.Fatalf("%v %v", err, checked)
	}
	names := []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DATABASE_URL"}
	if diff := cmp.Diff(names, checked.Variables) + cmp.Diff([]string{"aws-login"}, checked.Providers); diff != "" {
		t.Error(diff)
	}
	env, err := e.Open(t.Context(), request(t, "shop/dev", esc.WantVariables))
	if err != nil {
		t.Fatal(err)
	}
	want := `AWS_ACCESS_KEY_ID=secret(id)
AWS_SECRET_ACCESS_KEY=secret(key)
AWS_SESSION_TOKEN=secret(token)
DATABASE_URL=secret(postgres://shop:correct horse@db.dev.example.com/shop)
`
	if diff := cmp.Diff(want, variables(env)); diff != "" || !env.Expires.Equal(epoch.Add(time.Hour)) {
		t.Errorf("expires %s, (-want +got):\n%s", env.Expires, diff)
	}
	loader.texts["shop/dev"] = examples(t)[0] + "\n  here: ${imports[\"shop/tools\"].version} ${db.port}\n"
	if got := valueAt(t, e, "here"); got != `"1.2 5432"` {
		t.Errorf("the imports give %s", got)
	}
}

// Each example says what its values give, "# gives JSON", or what is said of
// them, "# says WORDS". One that begins with a name is there for the next.
func TestTheLanguagePagesExamples(t *testing.T) {
	others, claims := map[string]string{}, 0
	for _, example := range examples(t)[1:] {
		if name, rest, named := strings.Cut(example, "\n"); named && strings.HasPrefix(name, "# ") {
			others[strings.TrimPrefix(name, "# ")] = rest
			continue
		}
		e, loader := documented(t, example)
		maps.Copy(loader.texts, others)
		got, err := e.Evaluate(t.Context(), request(t, "shop/dev", 0).Refs[0], eval.Options{})
		if err != nil {
			t.Fatal(err)
		}
		claims += holdsGives(t, example, got) + holdsSays(t, example, got.Diagnostics)
	}
	if claims < 20 {
		t.Errorf("the examples say only %d times what they give", claims)
	}
}

func holdsGives(t *testing.T, example string, got *eval.Evaluation) (claims int) {
	t.Helper()
	fields, _ := got.Value.Object()
	for _, m := range regexp.MustCompile(`(?m)^  (\w+):.*# gives (.*?)(, secret)?$`).FindAllStringSubmatch(example, -1) {
		claims++
		v := fields[m[1]]
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(v.RevealAll()); err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(text.String()) != m[2] || v.IsSecret() != (m[3] != "") {
			t.Errorf("%s is %s (secret: %v), and the page says %s%s", m[1], text.String(), v.IsSecret(), m[2], m[3])
		}
	}
	return claims
}

func holdsSays(t *testing.T, example string, diags esc.Diagnostics) (claims int) {
	t.Helper()
	for i, line := range strings.Split(example, "\n") {
		_, words, ok := strings.Cut(line, "# says ")
		if !ok {
			continue
		}
		claims++
		if !slices.ContainsFunc(diags, func(d esc.Diagnostic) bool { return d.Line == i+1 && d.Summary == words }) {
			t.Errorf("of line %d the page says %q, and checking\n%v", i+1, words, diags)
		}
	}
	for _, d := range diags {
		if !d.Warning && !strings.Contains(strings.Split(example, "\n")[d.Line-1], "# says ") {
			t.Errorf("the page does not say %v", d)
		}
	}
	return claims
}

// The example of variables and files opens.
func TestTheLanguagePagesFiles(t *testing.T) {
	i := slices.IndexFunc(examples(t), func(s string) bool { return strings.Contains(s, "files:") })
	e, _ := documented(t, examples(t)[i])
	env, err := e.Open(t.Context(), request(t, "shop/dev", esc.WantVariables))
	if err != nil {
		t.Fatal(err)
	}
	want := "CLUSTER=dev\nEMPTY=\nRATIO=1.10\nKUBECONFIG holds \"name: dev\\ntoken: t0ken\\n\" (secret: true)\n"
	if diff := cmp.Diff(want, variables(env)); diff != "" {
		t.Error(diff)
	}
}

// The table has every built-in there is, and what it gives as JSON.
func TestTheLanguagePagesBuiltIns(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `fn::(\\w+).*?`.*? \\| `(fn::.*?)` \\| `(.*?)`").FindAllStringSubmatch(languagePage(t), -1)
	said := map[string]bool{}
	for _, row := range rows {
		said[row[1]] = true
		e, _ := documented(t, "values:\n  x:\n    "+row[2]+"\n")
		if got := valueAt(t, e, "x"); got != row[3] {
			t.Errorf("%s gives %s, and the page says %s", row[2], got, row[3])
		}
	}
	for _, name := range []string{
		"secret", "join", "split", "concat", "toJSON", "fromJSON", "toYAML", "fromYAML", "toBase64", "fromBase64", "toString", "final", "validate",
	} {
		if !said[name] {
			t.Errorf("the page has no example of fn::%s", name)
		}
	}
}

// The inputs the page names are inputs, up to the bounds it names.
func TestTheLanguagePagesInputs(t *testing.T) {
	login := func(more string) string {
		return `oidc: {roleArn: "arn:aws:iam::123456789012:role/r", sessionName: "_+=,.@-"` + more + "}"
	}
	page := languagePage(t)
	for name, inputs := range map[string][]string{
		"oidc.roleArn":           {login("")},
		"oidc.sessionName":       {login("")},
		"oidc.duration":          {login(", duration: 1h"), login(", duration: 90m"), login(", duration: 1h30m"), login(", duration: 15m"), login(", duration: 12h")},
		"oidc.policyArns":        {login(", policyArns: [" + strings.Repeat("'arn:aws:iam::aws:policy/A', ", 10) + "]")},
		"oidc.subjectAttributes": {login(", subjectAttributes: [rootEnvironment.name, currentEnvironment.name, pulumi.user.login]")},
		"static":                 {"static: {accessKeyId: a, secretAccessKey: b, sessionToken: c}"},
	} {
		if !strings.Contains(page, "| `"+name+"` |") {
			t.Errorf("the page does not speak of %s", name)
		}
		for _, input := range inputs {
			e, _ := documented(t, "values: {x: {fn::open::aws-login: {"+input+"}}}")
			if _, err := e.Check(t.Context(), request(t, "shop/dev", 0).Refs[0]); err != nil {
				t.Errorf("%s: %v", input, err)
			}
		}
	}
}

// valueAt opens a path of shop/dev and writes what is there as JSON, on one line.
func valueAt(t *testing.T, e *eval.Evaluator, path string) string {
	t.Helper()
	req := request(t, "shop/dev", esc.WantPath)
	req.Path = path
	env, err := e.Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if env.Value.IsSecret() {
		text, _ := env.Value.RevealString()
		return `"` + text + `"`
	}
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(shown(t, env.Value))); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
