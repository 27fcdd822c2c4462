package activation_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/esc"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A world is a shell that does what it is told, a directory tree, and an
// opener that answers what the test says.
type world struct {
	t       *testing.T
	root    string
	now     time.Time
	environ map[string]string // exported
	saved   map[string]string
	state   string
	verdict esc.Verdict
	env     *esc.Environment
	err     error
	opened  int
}

func newWorld(t *testing.T) *world {
	root := tree(t, map[string]string{"shop/.escenv": "shop/dev", "prod/.escenv": "shop/prod", "out/x": ""})
	w := &world{t: t, root: root, now: noon, environ: map[string]string{}, saved: map[string]string{}, verdict: esc.Allowed}
	w.serve("AWS_ACCESS_KEY_ID", "AKIA1", "AWS_SESSION_TOKEN", "token1")
	return w
}

func (w *world) serve(pairs ...string) {
	w.err = nil
	w.env = &esc.Environment{Expires: w.now.Add(time.Hour), Renew: w.now.Add(50 * time.Minute)}
	for pair := range slices.Chunk(pairs, 2) {
		w.env.Variables = append(w.env.Variables, esc.Variable{Name: pair[0], Value: esc.NewSecret(pair[1])})
	}
}

func (w *world) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	w.opened++
	if !req.Hook {
		w.t.Error("the prompt would wait for ever, or somebody would be asked")
	}
	return w.env, w.err
}

// step is one run in a directory; the changes are carried out.
func (w *world) step(dir string) *activation.Step {
	w.t.Helper()
	a := &activation.Activator{
		Finder: finder(), Opener: w, Salt: "salt", Now: func() time.Time { return w.now },
		Check: func(string, string) (esc.Verdict, error) { return w.verdict, nil },
	}
	var environ []string
	for name, value := range w.environ {
		environ = append(environ, name+"="+value)
	}
	s := a.Step(context.Background(), activation.Shell{Dir: filepath.Join(w.root, dir), Environ: environ, State: w.state})
	w.state = s.State
	for _, c := range s.Changes {
		w.apply(c)
	}
	return s
}

func (w *world) apply(c activation.Change) {
	switch c.Op {
	case activation.Save:
		if value, set := w.environ[c.Name]; set {
			w.saved[c.Name] = value
		}
	case activation.Export:
		w.environ[c.Name], _ = c.Value.RevealString()
	case activation.Unset:
		delete(w.environ, c.Name)
	case activation.Restore:
		delete(w.environ, c.Name)
		if value, set := w.saved[c.Name]; set {
			w.environ[c.Name] = value
		}
		delete(w.saved, c.Name)
	case activation.Forget:
		delete(w.saved, c.Name)
	}
}

// want checks the exported variables, escenv's markers aside.
func (w *world) want(pairs ...string) {
	w.t.Helper()
	want, got := map[string]string{}, maps.Clone(w.environ)
	for pair := range slices.Chunk(pairs, 2) {
		want[pair[0]] = pair[1]
	}
	maps.DeleteFunc(got, func(name, _ string) bool { return strings.HasPrefix(name, "ESCENV_") })
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("the environment (-want +got):\n%s", diff)
	}
}

func outcome(t *testing.T, s *activation.Step, want activation.Outcome) {
	t.Helper()
	if s.Outcome != want {
		t.Errorf("the outcome is %d, want %d: %+v", s.Outcome, want, s)
	}
}

func TestEnterAndLeave(t *testing.T) {
	w := newWorld(t)
	w.environ["AWS_SESSION_TOKEN"] = ""
	w.environ["EDITOR"] = "vi"
	s := w.step("shop")
	outcome(t, s, activation.Loaded)
	if s.Name != "shop/dev" || s.Wait != 50*time.Minute+2*time.Second || !s.Expires.Equal(noon.Add(time.Hour)) {
		t.Errorf("the step is %+v", s)
	}
	w.want("AWS_ACCESS_KEY_ID", "AKIA1", "AWS_SESSION_TOKEN", "token1", "EDITOR", "vi")
	if w.environ["ESCENV_VARS"] != "AWS_ACCESS_KEY_ID:AWS_SESSION_TOKEN" || w.environ["ESCENV_EXPIRES"] != "2026-11-23T13:00:00Z" {
		t.Errorf("the markers are %v", w.environ)
	}
	if strings.Contains(w.state, "AKIA1") || strings.Contains(w.state, "token1") {
		t.Errorf("the state holds a secret: %s", w.state)
	}
	outcome(t, w.step("shop"), activation.Unchanged)
	outcome(t, w.step("out"), activation.Unloaded)
	w.want("AWS_SESSION_TOKEN", "", "EDITOR", "vi")
	if len(w.saved) > 0 || w.environ["ESCENV_ENV"] != "" {
		t.Errorf("left behind: %v %v", w.saved, w.environ)
	}
}

func TestASwitchIsOneStep(t *testing.T) {
	w := newWorld(t)
	w.environ["STAGE"] = "mine"
	w.step("shop")
	w.serve("AWS_ACCESS_KEY_ID", "AKIA2", "STAGE", "prod")
	outcome(t, w.step("prod"), activation.Loaded)
	w.want("AWS_ACCESS_KEY_ID", "AKIA2", "STAGE", "prod")
	w.step("out")
	w.want("STAGE", "mine")
}

func TestTheUsersEditsSurvive(t *testing.T) {
	w := newWorld(t)
	w.environ["AWS_ACCESS_KEY_ID"] = "mine"
	w.step("shop")
	w.environ["AWS_ACCESS_KEY_ID"] = "edited"
	delete(w.environ, "AWS_SESSION_TOKEN")
	w.serve("AWS_ACCESS_KEY_ID", "AKIA9", "AWS_SESSION_TOKEN", "token9")
	w.step("shop") // a renewal
	w.want("AWS_ACCESS_KEY_ID", "edited")
	w.step("out")
	w.want("AWS_ACCESS_KEY_ID", "edited")
}

func TestStaleCompetitorsStepAside(t *testing.T) {
	w := newWorld(t)
	w.environ["AWS_SECURITY_TOKEN"], w.environ["AWS_PROFILE"] = "old", "work"
	w.step("shop")
	w.want("AWS_ACCESS_KEY_ID", "AKIA1", "AWS_SESSION_TOKEN", "token1")
	w.step("out")
	w.want("AWS_SECURITY_TOKEN", "old", "AWS_PROFILE", "work")
	w.serve("AWS_PROFILE", "theirs")
	w.step("shop") // no credentials: nothing competes
	w.want("AWS_SECURITY_TOKEN", "old", "AWS_PROFILE", "theirs")
}

func TestAShellInsideAdopts(t *testing.T) {
	w := newWorld(t)
	w.step("shop")
	w.state, w.saved = "", map[string]string{} // a new shell inherits no state
	outcome(t, w.step("shop"), activation.Unchanged)
	w.state = ""
	outcome(t, w.step("out"), activation.Unloaded)
	w.want()
}

func TestAShellOfExecIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.environ["ESCENV_ENV"], w.environ["ESCENV_VARS"], w.environ["AWS_ACCESS_KEY_ID"] = "shop/x", "AWS_ACCESS_KEY_ID", "exec"
	outcome(t, w.step("out"), activation.Unchanged)
	w.want("AWS_ACCESS_KEY_ID", "exec")
}

func TestUntrustedIsSaidOnceAndNeverOpened(t *testing.T) {
	w := newWorld(t)
	w.verdict = esc.Undecided
	if s := w.step("shop"); !s.Untrusted || s.Failed {
		t.Errorf("%+v", s)
	}
	for _, dir := range []string{"shop", "out", "shop"} {
		if s := w.step(dir); s.Untrusted {
			t.Errorf("said again in %s", dir)
		}
	}
	must(t, os.WriteFile(filepath.Join(w.root, "shop/.escenv"), []byte("evil/prod"), 0o600))
	if s := w.step("shop"); !s.Untrusted {
		t.Error("other content is not announced")
	}
	w.verdict = esc.Denied
	must(t, os.WriteFile(filepath.Join(w.root, "shop/.escenv"), []byte("evil/other"), 0o600))
	if s := w.step("shop"); s.Untrusted {
		t.Error("a denied file is announced")
	}
	if w.opened > 0 {
		t.Error("it was opened")
	}
}

// TestLosingTrustTakesCredentialsAway: an edit by somebody else ends what the
// old content brought.
func TestLosingTrustTakesCredentialsAway(t *testing.T) {
	w := newWorld(t)
	w.step("shop")
	w.verdict = esc.Undecided
	outcome(t, w.step("shop"), activation.Unloaded)
	w.want()
}

func TestNobodyAnswers(t *testing.T) {
	w := newWorld(t)
	w.step("shop")
	w.err = esc.Errorf(esc.Unavailable, "the agent is away")
	w.now = noon.Add(55 * time.Minute)
	s := w.step("shop")
	if s.Problem == nil || !s.Failed || s.Wait != 3*time.Second {
		t.Errorf("%+v", s)
	}
	w.want("AWS_ACCESS_KEY_ID", "AKIA1", "AWS_SESSION_TOKEN", "token1") // still good

	waits := []time.Duration{}
	for range 3 {
		s := w.step("shop")
		if s.Problem != nil {
			t.Error("said again")
		}
		waits = append(waits, s.Wait)
	}
	if !slices.Equal(waits, []time.Duration{6 * time.Second, 12 * time.Second, 24 * time.Second}) {
		t.Errorf("it waits %v", waits)
	}
	w.now = noon.Add(59*time.Minute + 58*time.Second)
	if s := w.step("shop"); s.Wait != 2*time.Second {
		t.Errorf("it waits %v, past the end", s.Wait)
	}
	w.now = noon.Add(time.Hour)
	outcome(t, w.step("shop"), activation.Unloaded)
	w.want()

	w.serve("AWS_ACCESS_KEY_ID", "AKIA2")
	outcome(t, w.step("shop"), activation.Loaded)
	w.err = esc.Errorf(esc.Unavailable, "the agent is away")
	if s := w.step("shop"); s.Problem == nil {
		t.Error("a new failure is not said")
	}
}

func TestARefusalAndElsewhereEndAtOnce(t *testing.T) {
	for name, err := range map[string]error{
		"refused":    esc.Errorf(esc.Refused, "no"),
		"diagnostic": esc.Diagnostics{{Summary: "bad"}},
		"gone":       esc.Errorf(esc.NotFound, "no such definition"),
	} {
		w := newWorld(t)
		w.step("shop")
		w.err = err
		if s := w.step("shop"); s.Problem == nil || s.Outcome != activation.Unloaded {
			t.Errorf("%s: %+v", name, s)
		}
		w.want()
	}
	w := newWorld(t)
	w.step("shop")
	w.err = esc.Errorf(esc.Unavailable, "nobody answers")
	w.step("prod")
	w.want() // dev's credentials are not for prod
}

func TestWhoComesBackIsToldAgain(t *testing.T) {
	for name, breaks := range map[string]func(w *world){
		"it cannot be opened": func(w *world) { w.err = esc.Errorf(esc.Refused, "no") },
		"it is not safe": func(w *world) {
			if err := os.Chmod(filepath.Join(w.root, "shop/.escenv"), 0o666); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			breaks(w)
			for range 2 {
				if s := w.step("shop"); s.Problem == nil {
					t.Error("it is silent on entering")
				}
				if s := w.step("shop"); s.Problem != nil || !s.Failed {
					t.Errorf("at the next prompt it says again %v", s.Problem)
				}
				w.step("out")
			}
		})
	}
}

func TestExpiredCredentialsAreNotLoaded(t *testing.T) {
	w := newWorld(t)
	w.env.Expires = noon
	if s := w.step("shop"); s.Problem == nil || s.Outcome != activation.Unchanged {
		t.Errorf("%+v", s)
	}
	w.want()
}

func TestDangerousNames(t *testing.T) {
	w := newWorld(t)
	w.serve("LD_PRELOAD", "x", "GOOD", "1", "KUBECONFIG", "k", "ESCENV_NO_AGENT", "1", "bad-name", "x", "NUL", "a\x00b", "LONG", strings.Repeat("x", 1<<17))
	w.env.AllowedNames = []string{"KUBECONFIG", "ESCENV_NO_AGENT"}
	s := w.step("shop")
	w.want("GOOD", "1", "KUBECONFIG", "k")
	var names []string
	for _, r := range s.Refused {
		names = append(names, r.Name)
	}
	if diff := cmp.Diff([]string{"LD_PRELOAD", "ESCENV_NO_AGENT", "bad-name", "NUL", "LONG"}, names); diff != "" {
		t.Error(diff)
	}
	w.step("out")
	if s := w.step("shop"); s.Refused != nil {
		t.Error("said again")
	}
}

// TestNamesThatAreCode has one name for each kind of attack, and some that
// look like it.
func TestNamesThatAreCode(t *testing.T) {
	for name := range strings.FieldsSeq(`PATH LD_PRELOAD LD_AUDIT DYLD_INSERT_LIBRARIES BASH_ENV ENV PROMPT_COMMAND PS1 PS4 IFS
		SHELLOPTS BASHOPTS BASH_FUNC_x ZDOTDIR FPATH fpath path NULLCMD NODE_OPTIONS NODE_PATH PYTHONPATH PYTHONSTARTUP PERL5OPT RUBYOPT
		JAVA_TOOL_OPTIONS _JAVA_OPTIONS CLASSPATH GCONV_PATH TERMINFO EDITOR VISUAL PAGER BROWSER LESSOPEN GIT_SSH_COMMAND
		GIT_CONFIG_COUNT GIT_EXEC_PATH GIT_ASKPASS GIT_PAGER SSH_ASKPASS SSH_AUTH_SOCK DOCKER_HOST KUBECONFIG MAKEFLAGS
		RUSTC_WRAPPER CC GOFLAGS GOENV npm_config_script_shell PIP_INDEX_URL HTTPS_PROXY https_proxy SSL_CERT_FILE
		NODE_EXTRA_CA_CERTS CURL_CA_BUNDLE REQUESTS_CA_BUNDLE AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_ENDPOINT_URL
		AWS_ENDPOINT_URL_S3 AWS_CA_BUNDLE AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_WEB_IDENTITY_TOKEN_FILE
		AWS_EC2_METADATA_SERVICE_ENDPOINT HOME XDG_CONFIG_HOME precmd_functions fish_function_path PWD
		HISTFILESIZE FUNCNEST TMOUT PSModulePath TAR_OPTIONS FZF_DEFAULT_COMMAND RSYNC_RSH`) {
		if activation.Dangerous(name) == "" {
			t.Errorf("%s is not dangerous", name)
		}
	}
	for name := range strings.FieldsSeq(`AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN AWS_REGION AWS_PROFILE DATABASE_URL PATHS MY_PATH LDAP_URL GITHUB_TOKEN
		NODE_ENV TF_VAR_x GOOGLE_CREDENTIALS PULUMI_ACCESS_TOKEN STAGE AWS_CREDENTIAL_EXPIRATION`) {
		if why := activation.Dangerous(name); why != "" {
			t.Errorf("%s %s", name, why)
		}
	}
}

// FuzzState: a state that somebody tampered with, or that is cut short, does
// no harm: names that are not names never reach a shell.
func FuzzState(f *testing.F) {
	f.Add(`"escenv2" "salt" "/p" "d" "shop/dev" "1" "0" "true" "false" "" "X" "true" "unset"`)
	f.Add(`"escenv2" "" "" "" "" "" "0" "false" "true" "a,b" "$(id)" "true" "h"`)
	f.Add("")
	f.Fuzz(func(t *testing.T, state string) {
		a := &activation.Activator{Finder: finder(), Salt: "s", Now: func() time.Time { return noon }}
		s := a.Step(context.Background(), activation.Shell{Dir: "/", State: state})
		for _, c := range s.Changes {
			if c.Op == activation.Export || strings.Trim(c.Name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") != "" || c.Name == "" {
				t.Errorf("%+v", c)
			}
		}
		again := a.Step(context.Background(), activation.Shell{Dir: "/", State: s.State})
		if again.State != s.State || len(again.Changes) > 0 {
			t.Errorf("%q becomes %q", s.State, again.State)
		}
	})
}
