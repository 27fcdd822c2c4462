package awslogin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/provider/awslogin"
)

const role = "arn:aws:iam::123456789012:role/dev"

// value makes a Value of JSON. "?" is unknown, and what begins with "secret:"
// is secret.
func value(t *testing.T, text string) esc.Value {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var raw any
	if err := decoder.Decode(&raw); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return fromAny(raw)
}

func fromAny(raw any) esc.Value {
	switch raw := raw.(type) {
	case []any:
		list := make([]esc.Value, len(raw))
		for i, e := range raw {
			list[i] = fromAny(e)
		}
		return esc.New(list)
	case map[string]any:
		object := map[string]esc.Value{}
		for k, e := range raw {
			object[k] = fromAny(e)
		}
		return esc.New(object)
	case string:
		if raw == "?" {
			return esc.Unknown()
		}
		if secret, ok := strings.CutPrefix(raw, "secret:"); ok {
			return esc.NewSecret(secret)
		}
	}
	return esc.New(raw)
}

// login is the inputs of an oidc login with more members.
func login(more string) string {
	return `{"oidc":{"roleArn":"` + role + `","sessionName":"dev"` + more + `}}`
}

func TestCheck(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat(`"arn:aws:iam::aws:policy/A",`, 11), ",")
	for _, tt := range []struct {
		name, inputs string
		want         []string // "path: summary (hint)"
	}{
		{"least", login(""), nil},
		{"most", login(`,"duration":"1h30m","policyArns":["arn:aws:iam::aws:policy/ReadOnlyAccess"],"subjectAttributes":["currentEnvironment.name","pulumi.user.login"]`), nil},
		{"shortest duration", login(`,"duration":"900s"`), nil},
		{"longest duration", login(`,"duration":"12h"`), nil},
		{"another partition", `{"oidc":{"roleArn":"arn:aws-us-gov:iam::123456789012:role/a/b","sessionName":"d@v=_"}}`, nil},
		{"another maker", `{"oidc":{"roleArn":"arn:minio:iam:::role/idGkUx0yYxI","sessionName":"dev"}}`, nil},
		{"static", `{"static":{"accessKeyId":"AKIA","secretAccessKey":"secret:s","sessionToken":"secret:t"}}`, nil},
		{"static without token", `{"static":{"accessKeyId":"AKIA","secretAccessKey":"secret:s"}}`, nil},

		{"all unknown", `"?"`, nil},
		{"login unknown", `{"oidc":"?"}`, nil},
		{"parts unknown", `{"oidc":{"roleArn":"?","sessionName":"?","duration":"?","policyArns":["?"],"subjectAttributes":"?"}}`, nil},
		{"static unknown", `{"static":{"accessKeyId":"?","secretAccessKey":"?","sessionToken":"?"}}`, nil},

		{"nothing", `{}`, []string{": aws-login needs oidc or static"}},
		{"null", `null`, []string{": aws-login must be an object, not a null"}},
		{"text", `"x"`, []string{": aws-login must be an object, not a string"}},
		{"both", `{"oidc":"?","static":"?"}`, []string{"static: oidc and static exclude each other"}},
		{"misspelt login", `{"odic":{}}`, []string{"odic: aws-login has no input odic (did you mean oidc?)", ": aws-login needs oidc or static"}},
		{"misspelt role", `{"oidc":{"rolearn":"` + role + `","sessionName":"dev"}}`, []string{
			"oidc.rolearn: oidc has no input rolearn (did you mean roleArn?)", "oidc: oidc has no roleArn, which is required",
		}},
		{"empty login", `{"oidc":{}}`, []string{"oidc: oidc has no roleArn, which is required", "oidc: oidc has no sessionName, which is required"}},
		{"empty static", `{"static":{}}`, []string{"static: static has no accessKeyId, which is required", "static: static has no secretAccessKey, which is required"}},
		{"static of other kinds", `{"static":{"accessKeyId":1,"secretAccessKey":"secret:two words"}}`, []string{
			"static.accessKeyId: static.accessKeyId must be a string, not a number", "static.secretAccessKey: static.secretAccessKey must be printable text without spaces",
		}},
		{"short role", `{"oidc":{"roleArn":"arn:aws:iam::1:role","sessionName":"dev"}}`, []string{"oidc.roleArn: oidc.roleArn must be an ARN of 20 to 2048 characters"}},
		{"long role", `{"oidc":{"roleArn":"` + role + strings.Repeat("x", 2048) + `","sessionName":"dev"}}`, []string{"oidc.roleArn: oidc.roleArn must be an ARN of 20 to 2048 characters"}},
		{"no ARN", `{"oidc":{"roleArn":"123456789012:role/development","sessionName":"dev"}}`, []string{"oidc.roleArn: oidc.roleArn must be an ARN, like " + strings.Replace(role, "dev", "name", 1)}},
		{"no role", `{"oidc":{"roleArn":"arn:aws:iam::123456789012:user/dev","sessionName":"dev"}}`, []string{"oidc.roleArn: oidc.roleArn must be the ARN of a role, like " + strings.Replace(role, "dev", "name", 1)}},
		{"escapes in role", `{"oidc":{"roleArn":"` + role + `\u001b[31m","sessionName":"dev"}}`, []string{"oidc.roleArn: oidc.roleArn has control characters in it"}},
		{"session name", `{"oidc":{"roleArn":"` + role + `","sessionName":"a/b"}}`, []string{"oidc.sessionName: oidc.sessionName must be 2 to 64 letters, digits or any of _+=,.@-"}},
		{"session name with a newline", `{"oidc":{"roleArn":"` + role + `","sessionName":"ab\n"}}`, []string{"oidc.sessionName: oidc.sessionName must be 2 to 64 letters, digits or any of _+=,.@-"}},
		{"duration in words", login(`,"duration":"1 hour"`), []string{"oidc.duration: oidc.duration must be a duration like 1h, 45m or 1h30m"}},
		{"duration as a number", login(`,"duration":3600`), []string{"oidc.duration: oidc.duration must be a string, not a number"}},
		{"duration too short", login(`,"duration":"14m59s"`), []string{"oidc.duration: oidc.duration must be from 15m to 12h"}},
		{"duration too long", login(`,"duration":"12h1s"`), []string{"oidc.duration: oidc.duration must be from 15m to 12h"}},
		{"duration beyond counting", login(`,"duration":"99999999999999999999h"`), []string{"oidc.duration: oidc.duration must be from 15m to 12h"}},
		{"empty duration", login(`,"duration":""`), []string{"oidc.duration: oidc.duration must be from 15m to 12h"}},
		{"policy", login(`,"policyArns":["x"]`), []string{"oidc.policyArns[0]: oidc.policyArns[0] must be an ARN of 20 to 2048 characters"}},
		{"policies", login(`,"policyArns":[` + many + `]`), []string{"oidc.policyArns: AWS takes at most 10 policyArns"}},
		{"policy for policies", login(`,"policyArns":"` + role + `"`), []string{"oidc.policyArns: oidc.policyArns must be a list of strings, not a string"}},
		{"attribute", login(`,"subjectAttributes":["user"]`), []string{"oidc.subjectAttributes[0]: oidc.subjectAttributes[0] must be one of currentEnvironment.name, rootEnvironment.name, pulumi.user.login, pulumi.organization.login, pulumi.token.type, pulumi.token.team"}},
		{"secrets stay secret", `{"oidc":{"roleArn":"secret:canary","sessionName":"secret:canary canary","duration":"secret:canary"}}`, []string{
			"oidc.roleArn: oidc.roleArn must be an ARN of 20 to 2048 characters",
			"oidc.sessionName: oidc.sessionName must be 2 to 64 letters, digits or any of _+=,.@-",
			"oidc.duration: oidc.duration must be a duration like 1h, 45m or 1h30m",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, d := range (&awslogin.Provider{}).Check(value(t, tt.inputs)) {
				line := d.Path + ": " + d.Summary
				if d.Hint != "" {
					line += " (" + d.Hint + ")"
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the inputs are, Check neither panics nor repeats them.
func FuzzCheck(f *testing.F) {
	f.Add(login(`,"duration":"1h"`))
	f.Add(`{"static":{"accessKeyId":"secret:canary-a","secretAccessKey":["?"]}}`)
	f.Add(`{"oidc":{"roleArn":"secret:canary-b","policyArns":[["canary"],{}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			t.Skip()
		}
		for _, d := range (&awslogin.Provider{}).Check(value(t, text).AsSecret()) {
			if d.Summary == "" || strings.ContainsAny(d.Summary, "\n\x1b") {
				t.Errorf("diagnostic %+v", d)
			}
		}
	})
}

func TestNamesOutOfASecretAreNotTold(t *testing.T) {
	inputs := value(t, `{"oidc":{"roleArn":"?","sessionName":"dev","canary":"x"}}`).AsSecret()
	want := esc.Diagnostics{{Path: "oidc", Summary: "oidc has inputs it does not know"}}
	if diff := cmp.Diff(want, (&awslogin.Provider{}).Check(inputs)); diff != "" {
		t.Error(diff)
	}
}
