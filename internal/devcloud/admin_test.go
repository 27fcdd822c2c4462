package devcloud_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/devcloud"
)

func (l *lab) admin(method, what string, body, result any) {
	l.t.Helper()
	if err := l.root().Admin(l.t.Context(), method, what, body, result); err != nil {
		l.t.Fatal(err)
	}
}

func TestFaultsAreMetAsOftenAsAsked(t *testing.T) {
	l := newLab(t)
	l.admin("POST", "faults", devcloud.Fault{Action: "AssumeRoleWithWebIdentity", Code: "IDPCommunicationError", Message: "try again", Times: 2}, nil)
	l.admin("POST", "faults", devcloud.Fault{Action: "GetObject", Code: "SlowDown", Status: 503}, nil)
	for i, want := range []string{"IDPCommunicationError", "IDPCommunicationError", ""} {
		if _, err := l.assume(l.token(nil)); code(err) != want {
			t.Errorf("call %d: %v, want %q", i, err, want)
		}
	}
	for i, want := range []string{"SlowDown", ""} {
		if _, err := l.root().S3(t.Context(), "GET", "/shop/a.txt", nil); code(err) != want {
			t.Errorf("S3 call %d: %v, want %q", i, err, want)
		}
	}
	counts := map[string]int{}
	l.admin("GET", "counts", nil, &counts)
	if counts["AssumeRoleWithWebIdentity"] != 3 || counts["GetObject"] != 2 {
		t.Errorf("counted %v", counts)
	}
}

func TestFaultsOfTheLine(t *testing.T) {
	l := newLab(t)
	const assume = "AssumeRoleWithWebIdentity"
	l.admin("POST", "faults", devcloud.Fault{Action: assume, Drop: true}, nil)
	l.admin("POST", "faults", devcloud.Fault{Action: assume, Status: 200, Body: "<AssumeRoleWithWeb"}, nil)
	l.admin("POST", "faults", devcloud.Fault{Action: assume, Delay: "10ms"}, nil)
	for i, want := range []bool{false, false, true} {
		if _, err := l.assume(l.token(nil)); (err == nil) != want {
			t.Errorf("call %d: %v", i, err)
		}
	}
	l.admin("POST", "faults", devcloud.Fault{Code: "Throttling", Times: 100}, nil)
	l.admin("DELETE", "faults", nil, nil)
	if _, err := l.assume(l.token(nil)); err != nil {
		t.Errorf("faults that were taken back: %v", err)
	}
}

func TestSessionsCanBeMadeToEndEarly(t *testing.T) {
	l := newLab(t)
	old := l.client(l.session())
	l.admin("POST", "sessions", object{"life": "5s"}, nil)
	out, err := l.assume(l.token(nil))
	if err != nil || out.Credentials.Expiration.Sub(l.clock.now()) != 5*time.Second {
		t.Fatal(out, err)
	}
	l.admin("POST", "sessions", object{"expire": true}, nil)
	if _, err := old.S3(t.Context(), "GET", "/", nil); code(err) != "ExpiredToken" {
		t.Errorf("a session that was ended: %v", err)
	}
}

func TestTheLogHoldsNoSecret(t *testing.T) {
	l := newLab(t)
	token := l.token(nil)
	if _, err := l.assume(token); err != nil {
		t.Fatal(err)
	}
	s := l.session()
	if _, err := l.client(s).S3(t.Context(), "PUT", "/shop/no", nil); code(err) != "AccessDenied" {
		t.Fatal(err)
	}
	var log []devcloud.Entry
	l.admin("GET", "requests", nil, &log)
	text, err := json.Marshal(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{token, s.SecretAccessKey, s.SessionToken, l.site.Root.SecretAccessKey} {
		if strings.Contains(string(text), secret) {
			t.Error("the log holds a secret")
		}
	}
	last := log[len(log)-1]
	if last.Action != "PutObject" || last.AccessKeyID != s.AccessKeyID || last.Status != 403 || last.Code != "AccessDenied" || last.Resource != "arn:aws:s3:::shop/no" {
		t.Errorf("the last entry is %+v", last)
	}
}

func TestOnlyTheRootKeySteers(t *testing.T) {
	l := newLab(t)
	for name, change := range map[string]func(*http.Request){
		"nobody":        func(*http.Request) {},
		"another key":   func(r *http.Request) { r.SetBasicAuth(l.site.Root.AccessKeyID, "x") },
		"from a page":   func(r *http.Request) { root(l, r); r.Header.Set("Origin", "https://evil.example") },
		"another host":  func(r *http.Request) { root(l, r); r.Host = "evil.example" },
		"nothing there": func(r *http.Request) { root(l, r); r.URL.Path += "x" },
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.site.Endpoint+"/_devcloud/counts", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode < 400 {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func root(l *lab, r *http.Request) {
	r.SetBasicAuth(l.site.Root.AccessKeyID, l.site.Root.SecretAccessKey)
}

func TestTheSiteStaysOnTheMachine(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "localhost:0", "127.0.0.1"} {
		o := devcloud.SiteOptions{Addr: addr, IssuerAddr: "127.0.0.1:0", Account: account, Now: time.Now}
		if site, err := devcloud.Open(o); err == nil {
			site.Close()
			t.Errorf("%s was listened on", addr)
		}
	}
}

func TestOnlyPublishedFilesAreServed(t *testing.T) {
	l := newLab(t)
	client := trusting(t, l.site.CA)
	for path, want := range map[string]int{
		"/team/keys.json": 200, "/team/.well-known/openid-configuration": 200,
		"/team": 404, "/": 404, "/team/none": 404, "/team/../../etc/passwd": 404, "/%2e%2e/%2e%2e/etc/passwd": 404,
	} {
		res, err := client.Get(l.site.IssuerURL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}
