package e2e

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// A witness stands in front of a cloud's STS. It changes nothing, counts the
// calls, and tells the canary every secret that goes by.
type witness struct {
	url   string
	calls atomic.Int32
}

func newWitness(t *testing.T, sts string) *witness {
	t.Helper()
	target, err := url.Parse(sts)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: noteCredentials,
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.calls.Add(1)
		noteToken(r)
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// noteToken learns the identity token of a request and leaves its body whole.
func noteToken(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	lab.canary.learn("an identity token", form.Get("WebIdentityToken"))
}

// noteCredentials learns the credentials in an answer.
func noteCredentials(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct {
		Secret string `xml:"AssumeRoleWithWebIdentityResult>Credentials>SecretAccessKey"`
		Token  string `xml:"AssumeRoleWithWebIdentityResult>Credentials>SessionToken"`
	}
	if xml.Unmarshal(body, &answer) == nil {
		lab.canary.learn("a secret access key", answer.Secret)
		lab.canary.learn("a session token", answer.Token)
	}
	return err
}
