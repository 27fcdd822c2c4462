package credentials_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/credentials"
	"github.com/escenv/escenv/internal/esc"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func variable(name, value string, leases ...int) esc.Variable {
	return esc.Variable{Name: name, Value: esc.NewSecret(value), Leases: leases}
}

func TestFind(t *testing.T) {
	leases := []esc.Lease{{Name: "vault"}, {Expires: noon.Add(2 * time.Hour)}, {Expires: noon.Add(time.Hour)}, {Expires: noon}}
	keys := []esc.Variable{variable("AWS_ACCESS_KEY_ID", "AKID", 1), variable("AWS_SECRET_ACCESS_KEY", "hunter2", 1)}
	for name, tc := range map[string]struct {
		variables []esc.Variable
		want      credentials.Credentials // none: an error
	}{
		"a session": {
			append(keys[:2:2], variable("AWS_SESSION_TOKEN", "token", 1), variable("OTHER", "x", 3)),
			credentials.Credentials{AccessKeyID: "AKID", SecretAccessKey: "hunter2", SessionToken: "token", Expires: noon.Add(2 * time.Hour)},
		},
		"the first lease counts": {
			append(keys[:2:2], variable("AWS_SESSION_TOKEN", "token", 1, 2)),
			credentials.Credentials{AccessKeyID: "AKID", SecretAccessKey: "hunter2", SessionToken: "token", Expires: noon.Add(time.Hour)},
		},
		"a lease that does not end": {
			[]esc.Variable{variable("AWS_ACCESS_KEY_ID", "AKID", 0), variable("AWS_SECRET_ACCESS_KEY", "hunter2")},
			credentials.Credentials{AccessKeyID: "AKID", SecretAccessKey: "hunter2"},
		},
		"leases nobody knows": {
			[]esc.Variable{variable("AWS_ACCESS_KEY_ID", "AKID", -1, 4, 3), variable("AWS_SECRET_ACCESS_KEY", "hunter2")},
			credentials.Credentials{AccessKeyID: "AKID", SecretAccessKey: "hunter2", Expires: noon},
		},
		"nothing":      {nil, credentials.Credentials{}},
		"no secret":    {keys[:1], credentials.Credentials{}},
		"no key":       {keys[1:], credentials.Credentials{}},
		"an empty key": {append(keys[1:2:2], variable("AWS_ACCESS_KEY_ID", "")), credentials.Credentials{}},
		"no text":      {append(keys[:2:2], variable("AWS_SESSION_TOKEN", "\xff")), credentials.Credentials{}},
	} {
		t.Run(name, func(t *testing.T) {
			env := &esc.Environment{Name: "shop/prod", Variables: tc.variables, Leases: leases, Expires: noon.Add(-time.Hour)}
			got, err := credentials.Find(env)
			if (err == nil) != (tc.want.AccessKeyID != "") || err == nil && got != tc.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestForms(t *testing.T) {
	session := credentials.Credentials{
		AccessKeyID: "AKID", SecretAccessKey: "hunter2", SessionToken: "token", Expires: noon.Add(1999 * time.Millisecond).Local(),
	}
	key := credentials.Credentials{AccessKeyID: "AKID", SecretAccessKey: "hunter2"}
	for name, tc := range map[string]struct{ got, want string }{
		"a process, a session": {
			string(session.Process()),
			`{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"hunter2","SessionToken":"token","Expiration":"2026-11-23T12:00:01Z"}` + "\n",
		},
		"a process, a key": {string(key.Process()), `{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"hunter2"}` + "\n"},
		"an endpoint, a session": {
			string(session.Endpoint()),
			`{"AccessKeyId":"AKID","SecretAccessKey":"hunter2","Token":"token","Expiration":"2026-11-23T12:00:01Z"}` + "\n",
		},
		"an endpoint, a key": {string(key.Endpoint()), `{"AccessKeyId":"AKID","SecretAccessKey":"hunter2","Token":""}` + "\n"},
		"a problem": {
			string(credentials.Problem("Code", "a \"b\"\n\xff")),
			`{"code":"Code","message":"a \"b\"\u000a?","Code":"Code","Message":"a \"b\"\u000a?"}` + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzForms(f *testing.F) {
	for _, text := range []string{"", "AKID", `"\`, "\x00\x1f\x7f", "hé\u2028", "</script>"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, key, token string) {
		if !utf8.ValidString(key) || !utf8.ValidString(token) {
			return // Find refuses it
		}
		c := credentials.Credentials{AccessKeyID: key, SecretAccessKey: token, SessionToken: token, Expires: noon}
		for _, form := range [][]byte{c.Process(), c.Endpoint()} {
			var read struct{ AccessKeyId, SecretAccessKey, SessionToken, Token, Expiration string } //nolint:revive // AWS's names
			if err := json.Unmarshal(form, &read); err != nil {
				t.Fatalf("%s: %v", form, err)
			}
			if read.AccessKeyId != key || read.SecretAccessKey != token || read.SessionToken+read.Token != token {
				t.Errorf("%q, %q became %s", key, token, form)
			}
		}
	})
}

func TestShadow(t *testing.T) {
	for name, tc := range map[string]struct{ file, want string }{
		"keys of the default profile": {
			"[default]\naws_access_key_id = AKID\naws_secret_access_key=x\nregion = eu-west-1\n[other]\naws_access_key_id = B\n",
			"[default]\nregion = eu-west-1\n[other]\naws_access_key_id = B\n",
		},
		"as the other file writes it": {
			"[profile default]\ncredential_process = x\noutput = json\n[profile other]\nrole_arn = y\n",
			"[profile default]\noutput = json\n[profile other]\nrole_arn = y\n",
		},
		"in any writing": {
			"# mine\r\n[ default ]\r\nAWS_Access_Key_Id:A\r\n  ; no\r\nsso_start_url = https://x=y:z\r\nregion:x\r\n",
			"# mine\r\n[ default ]\r\nregion:x\r\n",
		},
		"with quotes":            {`[profile "default"]` + "\nlogin_session = x", `[profile "default"]` + "\n"},
		"a value of many lines":  {"[default]\nrole_arn =\n  a\n\tb\nregion = x\n", "[default]\nregion = x\n"},
		"nested settings stay":   {"[default]\ns3 =\n  role_arn = x\nsource_profile = y\n", "[default]\ns3 =\n  role_arn = x\n"},
		"one profile, two parts": {"[default]\n[x]\na = b\n[default]\nweb_identity_token_file = c\n", "[default]\n[x]\na = b\n[default]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, changed := credentials.Shadow(tc.file)
			if diff := cmp.Diff(tc.want, got); !changed || diff != "" {
				t.Errorf("%v: %s", changed, diff)
			}
		})
	}
	for _, file := range []string{
		"", "\n", "aws_access_key_id = of no profile\n", "[default]\nregion = x", "[defaults]\nrole_arn = x\n",
		"[default]\n# aws_access_key_id = x\n[other]\nrole_arn = y\n", "[sso-session default]\nsso_region = x\n",
		"[default]\nmy_role_arn = x\nrole_arn\n", "[default\nrole_arn = not a section's\n",
	} {
		if got, changed := credentials.Shadow(file); changed || got != file {
			t.Errorf("%q became %q", file, got)
		}
	}
}

func FuzzShadow(f *testing.F) {
	f.Add("[default]\naws_access_key_id = A\n a\n[x]\nrole_arn=b")
	f.Fuzz(func(t *testing.T, file string) {
		shadow, changed := credentials.Shadow(file)
		if changed == (shadow == file) {
			t.Errorf("changed is %v", changed)
		}
		if again, changed := credentials.Shadow(shadow); changed || again != shadow {
			t.Errorf("%q became %q, then %q", file, shadow, again)
		}
		lines := strings.SplitAfter(file, "\n")
		for line := range strings.SplitAfterSeq(shadow, "\n") {
			at := slices.Index(lines, line)
			if at < 0 && line != "" {
				t.Fatalf("%q has %q, which is not in its turn in %q", shadow, line, file)
			}
			lines = lines[at+1:]
		}
	})
}

func TestRivals(t *testing.T) {
	rivals := credentials.Rivals()
	for _, name := range []string{credentials.EndpointVariable, credentials.TokenVariable, "AWS_PROFILE", "AWS_SECURITY_TOKEN"} {
		if !slices.Contains(rivals, name) {
			t.Errorf("%s may stay", name)
		}
	}
	rivals[0] = "changed"
	if slices.Contains(credentials.Rivals(), "changed") {
		t.Error("the list can be changed")
	}
}
