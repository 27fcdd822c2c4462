package escenv_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/identity"
)

// startJob makes the rest of the script a CI job whose tokens the script's own
// issuer signs, for the user job. It starts a token service like that of
// GitHub Actions, sets JOB_URL and JOB_BEARER to where it is and what it
// wants, and JOB_TOKEN to a token, which is in the file token, too.
func startJob(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: job")
	}
	issuer, err := identity.OpenIssuer(filepath.Join(ts.Getenv("HOME"), ".config/escenv/issuer"))
	ts.Check(err)
	issuer.User, issuer.Lifetime, issuer.Now = "job", 2*time.Minute, time.Now
	sign := func(ctx context.Context, audience string) string {
		token, err := issuer.Token(ctx, esc.TokenRequest{Audience: audience, Site: esc.Site{Current: "shop/dev"}})
		if err != nil {
			ts.Logf("signing a token: %v", err)
		}
		text, _ := token.JWT.RevealString()
		return text
	}
	const bearer = "correct-horse-bearer" // the canary knows it
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+bearer || r.URL.Query().Get("api-version") != "2.0" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"count": 1, "value": sign(r.Context(), r.URL.Query().Get("audience"))})
	}))
	ts.Defer(service.Close)
	ts.Setenv("JOB_URL", service.URL+"/token?api-version=2.0")
	ts.Setenv("JOB_BEARER", bearer)
	ts.Setenv("JOB_TOKEN", sign(context.Background(), "sts.amazonaws.com"))
	ts.Check(os.WriteFile(ts.MkAbs("token"), []byte(ts.Getenv("JOB_TOKEN")), 0o600))
}
