package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRecipes runs the scripts that run docs/recipes.md at the root of the
// repository, against a MinIO in devcloud's place and with the programs as they
// are installed. What is particular to a server is in the commands shop, job
// and sts, which both places have.
func TestRecipes(t *testing.T) {
	scripts, err := filepath.Glob("../testdata/script/recipe_*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("there are no recipes: %v", err)
	}
	page, err := os.ReadFile("../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			t.Parallel()
			s := newShop(t, string(page))
			testscript.Run(t, testscript.Params{
				Files: []string{script}, RequireExplicitExec: true, Setup: s.setUp,
				Cmds:      map[string]func(*testscript.TestScript, bool, []string){"shop": s.open, "job": s.startJob, "sts": s.setSTS},
				Condition: func(string) (bool, error) { return false, nil }, // MinIO has one role for all
			})
		})
	}
}

// A shop is what the recipes are about: two buckets, with a receipt in each.
type shop struct {
	cloud  cloud
	signer signer
	page   string
	sts    string      // the address of its STS
	closed atomic.Bool // which answers nobody then
}

func newShop(t *testing.T, page string) *shop {
	t.Helper()
	s := &shop{cloud: startMinIO(t), page: page}
	s.signer = s.cloud.issuer.signer(t)
	root := admin{t, minioRoot}
	for _, bucket := range []string{"shop-dev", "shop-prod"} {
		root.makeBucket(s.cloud.s3, bucket)
		root.send("s3", http.MethodPut, s.cloud.s3+"/"+bucket+"/receipts/1041.txt", "two cups, for "+bucket+"\n")
	}
	target, err := url.Parse(s.cloud.sts.url)
	if err != nil {
		t.Fatal(err)
	}
	next := httputil.NewSingleHostReverseProxy(target)
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.closed.Load() {
			next.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `<ErrorResponse><Error><Code>ServiceUnavailable</Code><Message>not tonight</Message></Error></ErrorResponse>`)
	}))
	t.Cleanup(door.Close)
	s.sts = door.URL
	return s
}

// setUp gives the script a home.
func (s *shop) setUp(env *testscript.Env) error {
	run, err := os.MkdirTemp(lab.dir, "r") // short: a socket's path has at most 107 bytes
	if err != nil {
		return err
	}
	home := filepath.Join(env.WorkDir, "home")
	for name, value := range map[string]string{
		"HOME": home, "XDG_RUNTIME_DIR": run, "ENDPOINT": s.sts, "USER": "alice", "TERM": "xterm",
		"PATH": filepath.Join(home, ".local/bin") + ":" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED": "true",
	} {
		env.Setenv(name, value)
	}
	env.Defer(func() {
		stop := exec.Command(filepath.Join(lab.bin, "escenv"), "agent", "stop")
		stop.Env = env.Vars
		_ = stop.Run() // there may be none
	})
	return nil
}

// recipeBlock is a block of the page that recipes run, by name.
var recipeBlock = regexp.MustCompile("(?s)<!-- recipe: (\\S+) -->\n```\\w*\n(.*?)```\n")

// open is shop: the programs in ~/.local/bin, with an aws that knows where the
// buckets are, the issuer's key, definitions shop/dev and shop/prod, and the
// page's blocks as files.
func (s *shop) open(ts *testscript.TestScript, _ bool, _ []string) {
	files := map[string]string{
		"home/.local/bin/aws":             "#!/bin/sh\nAWS_ENDPOINT_URL=" + s.cloud.s3 + " exec '" + lab.bin + `/aws' "$@"` + "\n",
		"home/.aws/config":                "[default]\nendpoint_url = " + s.cloud.s3 + "\n", // for one that Python finds first
		"home/.config/escenv/config.yaml": ownIssuer + "\naws: {region: us-east-1, endpoint: '" + s.sts + "'}\n",
	}
	for _, name := range []string{"key.pem", "issuer.json"} {
		text, err := os.ReadFile(filepath.Join(s.cloud.issuer.dir, name))
		ts.Check(err)
		files["home/.config/escenv/issuer/"+name] = string(text)
	}
	for _, name := range []string{"dev", "prod"} {
		files["home/.config/escenv/environments/shop/"+name+".yaml"] = s.cloud.definition() + "    AWS_REGION: us-east-1\n"
	}
	for _, block := range recipeBlock.FindAllStringSubmatch(s.page, -1) {
		files["page/"+block[1]] = block[2]
	}
	for name, text := range files {
		ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(name)), 0o700))
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
	ts.Check(os.Chmod(ts.MkAbs("home/.local/bin/aws"), 0o700))
	for _, name := range []string{"escenv", "escenv-agent"} {
		ts.Check(os.Symlink(filepath.Join(lab.bin, name), ts.MkAbs("home/.local/bin/"+name)))
	}
}

// setSTS has the shop's STS fail from now on, or work again.
func (s *shop) setSTS(_ *testscript.TestScript, _ bool, args []string) {
	s.closed.Store(args[0] == "down")
}

// startJob makes the rest of the script a CI job, with a token service like that
// of GitHub Actions at JOB_URL, which wants JOB_BEARER, and a token in JOB_TOKEN
// and in the file token.
func (s *shop) startJob(ts *testscript.TestScript, _ bool, _ []string) {
	token, err := s.signer.sign("escenv:env:shop/dev:user:job", time.Now().Add(2*time.Minute))
	ts.Check(err)
	bearer := "bearer-" + filepath.Base(ts.Getenv("XDG_RUNTIME_DIR"))
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+bearer {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"value": token})
	}))
	ts.Defer(service.Close)
	ts.Setenv("JOB_URL", service.URL+"/token?api-version=2.0")
	ts.Setenv("JOB_BEARER", bearer)
	ts.Setenv("JOB_TOKEN", token)
	ts.Check(os.WriteFile(ts.MkAbs("token"), []byte(token), 0o600))
}
