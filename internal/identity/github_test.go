package identity_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/identity"
)

const bearer = "canary-bearer"

// job is a GitHub Actions job whose token service answers so.
func job(t *testing.T, answer http.HandlerFunc) identity.GitHubActions {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "Bearer "+bearer {
			t.Errorf("asked %s with %q", r.Method, r.Header.Get("Authorization"))
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return at(server.URL + "/token?api-version=2.0")
}

func at(address string) identity.GitHubActions {
	return identity.GitHubActions{Private: true, Now: noon, Environ: []string{"ACTIONS_ID_TOKEN_REQUEST_URL=" + address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + bearer}}
}

func TestGitHubGivesAToken(t *testing.T) {
	odd := "escenv:team&api-version=9 ü"
	g := job(t, func(w http.ResponseWriter, r *http.Request) {
		if query := r.URL.Query(); len(query) != 2 || query.Get("api-version") != "2.0" || query.Get("audience") != odd {
			t.Errorf("asked for %s", r.URL.RawQuery)
		}
		answer := map[string]any{"count": 1, "value": token(claims(audience, odd))}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	})
	got, err := g.Token(t.Context(), esc.TokenRequest{Audience: odd})
	if err != nil || got.Subject != "alice" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestGitHubFaults(t *testing.T) {
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		kind   esc.Kind
		want   string
	}{
		{"refused", text(403, bearer), esc.Refused, "GitHub Actions refuses an identity token: the answer is 403 Forbidden"},
		{"ended", text(401, bearer), esc.Refused, "the answer is 401 Unauthorized"},
		{"broken", text(500, ""), esc.Unavailable, "the answer is 500 Internal Server Error"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, esc.Unavailable, "the answer is 302 Found"},
		{"no JSON", text(200, "<html>"), esc.Unavailable, "answered without an identity token"},
		{"no value", text(200, `{"count":0}`), esc.Unavailable, "answered without an identity token"},
		{"no token", text(200, `{"value":"`+bearer+`"}`), esc.Invalid, "what GitHub Actions gave is not an identity token"},
		{"other audience", text(200, `{"value":"`+token(claims(audience, "other"))+`"}`), esc.Invalid, "is not for the audience"},
		{"long", text(200, `{"value":"`+strings.Repeat("x", 1<<20)+`"}`), esc.Unavailable, "longer than 1 MiB"},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "{")
		}, esc.Unavailable, "unexpected EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := job(t, tt.answer).Token(t.Context(), request)
			wantError(t, err, tt.kind, tt.want)
			if shown := fmt.Sprintf("%+v %#v", err, err); strings.Contains(shown, "canary") || strings.Contains(shown, signature) || strings.Contains(shown, "api-version") {
				t.Errorf("%s shows too much", shown)
			}
		})
	}
}

// The bearer token of the job goes to https or to this machine.
func TestWhereGitHubsBearerTokenMayGo(t *testing.T) {
	for _, address := range []string{
		"http://tokens.example.com/?a=b", "http://127.0.0.1.example.com/", "http://169.254.169.254/", "ftp://127.0.0.1/", "//127.0.0.1/", "https://", "https://user:pass@example.com/", "https://exa mple.com/", "tokens",
	} {
		g := at(address)
		g.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			t.Errorf("asked %s", r.URL)
			return nil, io.EOF
		})
		_, err := g.Token(t.Context(), request)
		wantError(t, err, esc.Invalid, "ACTIONS_ID_TOKEN_REQUEST_URL is not an https URL")
	}
}

func TestOutsideOfAJob(t *testing.T) {
	for _, environ := range [][]string{nil, {"ACTIONS_ID_TOKEN_REQUEST_URL=https://x.invalid"}, {"ACTIONS_ID_TOKEN_REQUEST_TOKEN=x"}} {
		_, err := identity.GitHubActions{Environ: environ, Private: true, Now: noon}.Token(t.Context(), request)
		wantError(t, err, esc.NotFound, "this is not a GitHub Actions job that may have an identity token")
	}
}

// A service that hangs is given ten seconds.
func TestGitHubHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := at("https://tokens.example.com/?a=b")
		g.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		_, err := g.Token(t.Context(), request)
		wantError(t, err, esc.Unavailable, "asking GitHub Actions for an identity token")
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
