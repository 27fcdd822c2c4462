package awslogin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/provider/awslogin"
	"github.com/escenv/escenv/internal/schema"
)

const (
	xmlns   = `xmlns="https://sts.amazonaws.com/doc/2011-06-15/"`
	jwt     = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.Y2FuYXJ5LXNpZ25hdHVyZS1vZi1hLXRva2Vu"
	fresh   = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJmcmVzaCJ9.ZnJlc2gtc2lnbmF0dXJl"
	expires = "2026-11-23T13:00:00Z"
)

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// tokens are handed out one after the other, the last again and again.
type tokens struct {
	jwts  []string
	asked []esc.TokenRequest
}

func (s *tokens) Token(_ context.Context, req esc.TokenRequest) (esc.Token, error) {
	n := min(len(s.asked), len(s.jwts)-1)
	s.asked = append(s.asked, req)
	return esc.Token{
		JWT: esc.NewSecret(s.jwts[n]), Issuer: "https://id.example.com/alice", Subject: "escenv:env:shop/dev:user:alice",
		Audience: []string{"sts.amazonaws.com"}, Expires: noon().Add(2 * time.Minute),
	}, nil
}

// fakeSTS answers like STS, and takes only what STS would take. Each question
// gets the next answer; the last is given again and again.
type fakeSTS struct {
	*httptest.Server
	t       *testing.T
	answers []http.HandlerFunc

	mu    sync.Mutex
	forms []map[string]string
}

// asked returns the questions so far.
func (f *fakeSTS) asked() []map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.forms
}

func newFakeSTS(t *testing.T, answers ...http.HandlerFunc) *fakeSTS {
	f := &fakeSTS{t: t, answers: answers}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeSTS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/" || r.URL.RawQuery != "" || r.Header.Get("Authorization") != "" {
		f.t.Errorf("asked %s %s with Authorization %q", r.Method, r.URL, r.Header.Get("Authorization"))
	}
	if err := r.ParseForm(); err != nil {
		f.t.Error(err)
	}
	form := map[string]string{}
	for k, v := range r.PostForm {
		form[k] = strings.Join(v, "|")
	}
	if form["Action"] != "AssumeRoleWithWebIdentity" || form["Version"] != "2011-06-15" {
		f.t.Errorf("asked %v", form)
	}
	f.mu.Lock()
	f.forms = append(f.forms, form)
	next := f.answers[min(len(f.forms), len(f.answers))-1]
	f.mu.Unlock()
	next(w, r)
}

// provider returns a Provider that asks f and waits for nothing.
func (f *fakeSTS) provider(source esc.TokenSource) *awslogin.Provider {
	p := awslogin.New(awslogin.Options{Tokens: source, Audience: "sts.amazonaws.com", Endpoint: f.URL, Now: noon})
	p.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return p
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// refusal is an error as STS writes it.
func refusal(status int, code, message string) http.HandlerFunc {
	return answer(status, fmt.Sprintf(`<ErrorResponse %s><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r</RequestId></ErrorResponse>`, xmlns, code, message))
}

// credentials is STS's answer with these members of Credentials.
func credentials(members string) http.HandlerFunc {
	return answer(http.StatusOK, fmt.Sprintf(`<AssumeRoleWithWebIdentityResponse %s><AssumeRoleWithWebIdentityResult><Credentials>%s</Credentials><AssumedRoleUser><Arn></Arn><AssumedRoleId></AssumedRoleId></AssumedRoleUser></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, xmlns, members))
}

const (
	goodKey   = `<AccessKeyId>ASIACANARY</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey>`
	goodToken = `<SessionToken>canary-session</SessionToken>`
	goodUntil = `<Expiration>` + expires + `</Expiration>`
)

func good() http.HandlerFunc { return credentials(goodKey + goodToken + goodUntil) }

func TestAnIdentityTokenBecomesCredentials(t *testing.T) {
	sts := newFakeSTS(t, good())
	source := &tokens{jwts: []string{jwt}}
	var progress []string
	ctx := esc.WithProgress(t.Context(), func(words string) { progress = append(progress, words) })
	site := esc.Site{Root: "shop/dev", Current: "shop/base"}
	inputs := login(`,"duration":"1h30m","policyArns":["arn:aws:iam::aws:policy/A","arn:aws:iam::aws:policy/B"],"subjectAttributes":["pulumi.user.login"]`)

	got, err := sts.provider(source).Open(ctx, value(t, inputs), site)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{accessKeyId:[secret] expiration:` + expires + ` secretAccessKey:[secret] sessionToken:[secret]}`; got.Value.String() != want {
		t.Errorf("value %v, want %s", got.Value, want)
	}
	object, _ := got.Value.Object()
	for key, want := range map[string]string{"accessKeyId": "ASIACANARY", "secretAccessKey": "canary-secret", "sessionToken": "canary-session"} {
		if text, _ := object[key].RevealString(); text != want {
			t.Errorf("%s = %q, want %q", key, text, want)
		}
	}
	if want := noon().Add(time.Hour); !got.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", got.Expires, want)
	}
	if diff := cmp.Diff([]esc.TokenRequest{{Audience: "sts.amazonaws.com", Site: site, Subject: []string{"pulumi.user.login"}}}, source.asked); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"waiting for " + strings.TrimPrefix(sts.URL, "http://")}, progress); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]map[string]string{{
		"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": role, "RoleSessionName": "dev", "WebIdentityToken": jwt,
		"DurationSeconds": "5400", "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/A", "PolicyArns.member.2.arn": "arn:aws:iam::aws:policy/B",
	}}, sts.asked()); diff != "" {
		t.Error(diff)
	}
}

// AWS's own default is one that every role allows.
func TestWithoutADurationNoneIsSent(t *testing.T) {
	sts := newFakeSTS(t, good())
	if _, err := sts.provider(&tokens{jwts: []string{jwt}}).Open(t.Context(), value(t, login("")), esc.Site{}); err != nil {
		t.Fatal(err)
	}
	if d, sent := sts.asked()[0]["DurationSeconds"]; sent {
		t.Errorf("DurationSeconds=%s was sent", d)
	}
}

func TestASessionTokenMayBeLong(t *testing.T) {
	long := strings.Repeat("x", 64<<10)
	sts := newFakeSTS(t, credentials(goodKey+"<SessionToken>"+long+"</SessionToken>"+goodUntil))
	got, err := sts.provider(&tokens{jwts: []string{jwt}}).Open(t.Context(), value(t, login("")), esc.Site{})
	if err != nil {
		t.Fatal(err)
	}
	object, _ := got.Value.Object()
	if text, _ := object["sessionToken"].RevealString(); text != long {
		t.Errorf("the token has %d bytes", len(text))
	}
}

func TestStaticCredentialsArePassedOn(t *testing.T) {
	for inputs, want := range map[string]string{
		`{"static":{"accessKeyId":"AKIA","secretAccessKey":"s"}}`:                    "{accessKeyId:[secret] secretAccessKey:[secret]}",
		`{"static":{"accessKeyId":"AKIA","secretAccessKey":"s","sessionToken":"t"}}`: "{accessKeyId:[secret] secretAccessKey:[secret] sessionToken:[secret]}",
	} {
		got, err := awslogin.New(awslogin.Options{}).Open(t.Context(), value(t, inputs), esc.Site{})
		if err != nil || got.Value.String() != want || !got.Expires.IsZero() {
			t.Errorf("%s = %v, %v; want %s", inputs, got, err, want)
		}
	}
}

func TestNothingIsAskedWithBadInputs(t *testing.T) {
	source := &tokens{jwts: []string{jwt}}
	p := newFakeSTS(t, good()).provider(source)
	var diags esc.Diagnostics
	if _, err := p.Open(t.Context(), value(t, login(`,"duration":"2d"`)), esc.Site{}); !errors.As(err, &diags) {
		t.Errorf("error %v, want diagnostics", err)
	}
	if _, err := p.Open(t.Context(), value(t, login(`,"duration":"?"`)), esc.Site{}); err == nil {
		t.Error("unknown inputs were opened")
	}
	if len(source.asked) > 0 {
		t.Error("a token was asked for")
	}
}

// AWS's clouds are apart: nothing is sent where nobody can know the role.
func TestARoleOfAnotherPartitionIsRefused(t *testing.T) {
	for _, tt := range []struct{ region, partition, hint string }{
		{"us-east-1", "aws-cn", "write aws: {region: cn-north-1}, or another region of aws-cn, in /home/alice/.config/escenv/config.yaml"},
		{"us-east-1", "aws-us-gov", "write aws: {region: us-gov-west-1}"},
		{"cn-north-1", "aws", "write aws: {region: us-east-1}"},
		{"us-isob-east-1", "aws-iso", "write aws: {region: us-iso-east-1}"},
	} {
		source := &tokens{jwts: []string{jwt}}
		p := awslogin.New(awslogin.Options{
			Tokens: source, Region: tt.region, Now: noon, Settings: "/home/alice/.config/escenv/config.yaml",
			Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("STS was asked") }),
		})
		inputs := strings.Replace(login(""), "arn:aws:", "arn:"+tt.partition+":", 1)
		_, err := p.Open(t.Context(), value(t, inputs), esc.Site{})
		wantError(t, err, esc.Invalid, "the role is in AWS's partition "+tt.partition)
		if wrong, ok := errors.AsType[*esc.Error](err); !ok || !strings.Contains(wrong.Hint, tt.hint) || len(source.asked) > 0 {
			t.Errorf("%+v: hint %+v, asked for %d tokens", tt, wrong, len(source.asked))
		}
	}
}

func TestTheRegionsOwnSTSIsAsked(t *testing.T) {
	for _, tt := range []struct{ region, partition, want string }{
		{"eu-west-1", "aws", "sts.eu-west-1.amazonaws.com"},
		{"us-gov-west-1", "aws-us-gov", "sts.us-gov-west-1.amazonaws.com"},
		{"cn-north-1", "aws-cn", "sts.cn-north-1.amazonaws.com.cn"},
		{"eu-west-1", "other-cloud", "sts.eu-west-1.amazonaws.com"},
	} {
		region, want := tt.region, tt.want
		var asked string
		p := awslogin.New(awslogin.Options{Tokens: &tokens{jwts: []string{jwt}}, Region: region, Now: noon, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = r.URL.Scheme + "://" + r.URL.Host
			w := httptest.NewRecorder()
			good()(w, r)
			return w.Result(), nil
		})})
		inputs := strings.Replace(login(""), "arn:aws:", "arn:"+tt.partition+":", 1)
		if _, err := p.Open(t.Context(), value(t, inputs), esc.Site{}); err != nil {
			t.Fatal(err)
		}
		if p.Host != want || asked != "https://"+want {
			t.Errorf("%s: asked %s, says %s, want %s", region, asked, p.Host, want)
		}
	}
}

// Who sets the endpoint receives the token: the environment has no say.
func TestTheEnvironmentHasNoSay(t *testing.T) {
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the environment's endpoint was asked") }))
	t.Cleanup(evil.Close)
	file := t.TempDir() + "/config"
	for name, v := range map[string]string{
		"AWS_ENDPOINT_URL": evil.URL, "AWS_ENDPOINT_URL_STS": evil.URL, "AWS_CONFIG_FILE": file, "AWS_PROFILE": "evil", "AWS_REGION": "evil",
		"AWS_ACCESS_KEY_ID": "AKIAEVIL", "AWS_SECRET_ACCESS_KEY": "evil", "AWS_ROLE_ARN": "evil", "AWS_WEB_IDENTITY_TOKEN_FILE": file,
	} {
		t.Setenv(name, v)
	}
	sts := newFakeSTS(t, good())
	if _, err := sts.provider(&tokens{jwts: []string{jwt}}).Open(t.Context(), value(t, login("")), esc.Site{}); err != nil {
		t.Fatal(err)
	}
	if len(sts.asked()) != 1 || sts.asked()[0]["RoleArn"] != role || sts.asked()[0]["WebIdentityToken"] != jwt {
		t.Errorf("asked %v", sts.asked())
	}
}

// A token that expired on the way is replaced, once.
func TestAnExpiredTokenIsReplacedOnce(t *testing.T) {
	tooOld := refusal(400, "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time")
	t.Run("the next is good", func(t *testing.T) {
		sts, source := newFakeSTS(t, tooOld, good()), &tokens{jwts: []string{jwt, fresh}}
		if _, err := sts.provider(source).Open(t.Context(), value(t, login("")), esc.Site{}); err != nil {
			t.Fatal(err)
		}
		if len(sts.asked()) != 2 || sts.asked()[1]["WebIdentityToken"] != fresh {
			t.Errorf("asked %v", sts.asked())
		}
	})
	t.Run("the next is no better", func(t *testing.T) {
		sts, source := newFakeSTS(t, tooOld), &tokens{jwts: []string{jwt, fresh}}
		_, err := sts.provider(source).Open(t.Context(), value(t, login("")), esc.Site{})
		wantError(t, err, esc.Refused, "AWS refused the role "+role+": ExpiredTokenException: Token expired")
		if len(sts.asked()) != 2 || len(source.asked) != 2 {
			t.Errorf("asked STS %d times and for %d tokens", len(sts.asked()), len(source.asked))
		}
	})
}

func TestATokenThatCannotBeHadEndsIt(t *testing.T) {
	p := newFakeSTS(t, good()).provider(noTokens{})
	_, err := p.Open(t.Context(), value(t, login("")), esc.Site{})
	wantError(t, err, esc.CallerIdentity, "in the caller's environment")
}

type noTokens struct{}

func (noTokens) Token(context.Context, esc.TokenRequest) (esc.Token, error) {
	return esc.Token{}, esc.Errorf(esc.CallerIdentity, "the token is in the caller's environment")
}

// An STS that hangs is given ten seconds, four times.
func TestASlowSTS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		p := awslogin.New(awslogin.Options{Tokens: &tokens{jwts: []string{jwt}}, Region: "eu-west-1", Now: noon, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		start := time.Now()
		_, err := p.Open(t.Context(), value(t, login("")), esc.Site{})
		wantError(t, err, esc.Unavailable, "there is no answer from sts.eu-west-1.amazonaws.com to use: ")
		if took := time.Since(start); asked != 4 || took < 40*time.Second || took > 42*time.Second {
			t.Errorf("asked %d times in %v", asked, took)
		}
	})
}

// Whoever waits can leave at any time.
func TestCancelling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		p := awslogin.New(awslogin.Options{Tokens: &tokens{jwts: []string{jwt}}, Region: "eu-west-1", Now: noon, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		start := time.Now()
		_, err := p.Open(ctx, value(t, login("")), esc.Site{})
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 2*time.Second {
			t.Errorf("error %v after %v", err, took)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func wantError(t *testing.T, err error, kind esc.Kind, summary string) {
	t.Helper()
	var e *esc.Error
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Summary, summary) {
		t.Errorf("error %v, want %s: %s", err, kind, summary)
	}
}

// What is described is what is given.
func TestOutputs(t *testing.T) {
	outputs := (&awslogin.Provider{}).Outputs()
	given := map[string]esc.Value{}
	for _, name := range []string{"accessKeyId", "secretAccessKey", "sessionToken", "expiration"} {
		given[name] = esc.NewSecret("x")
	}
	if wrong := outputs.Check(esc.New(given), &schema.Meter{}); wrong != nil || outputs.Property("accessKeyID").Never() == false {
		t.Errorf("the outputs do not describe what is given: %v", wrong)
	}
}
