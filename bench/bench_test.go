// Package bench_test measures escenv beside its peers, in one run, so that
// ratios mean something on any machine. Nothing here asserts a time: what must
// hold always is counted in tests, processes above all.
//
//	make bench
package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// definition gives what a person's would: three credentials and a setting.
const definition = `values:
  aws:
    login:
      fn::open::aws-login:
        static: {accessKeyId: AKIAIOSFODNN7EXAMPLE, secretAccessKey: wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY, sessionToken: %s}
  environmentVariables:
    AWS_ACCESS_KEY_ID: ${aws.login.accessKeyId}
    AWS_SECRET_ACCESS_KEY: ${aws.login.secretAccessKey}
    AWS_SESSION_TOKEN: ${aws.login.sessionToken}
    LOG_LEVEL: debug
`

// envrc is the same for direnv.
const envrc = `export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY
export AWS_SESSION_TOKEN=%s LOG_LEVEL=debug
`

// miseToml is the same for mise.
const miseToml = `[env]
AWS_ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
AWS_SECRET_ACCESS_KEY = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
AWS_SESSION_TOKEN = "%s"
LOG_LEVEL = "debug"
`

// A house is a throw-away home with both programs, a project for escenv and
// one for each peer, and a warm agent.
type house struct {
	bin      string
	shop     string // escenv's project
	rc, mise string // direnv's and mise's; empty if the program is not there
	out      string // nobody's
	environ  []string
}

func newHouse(b *testing.B) *house {
	b.Helper()
	dir, err := os.MkdirTemp("", "bench") // short: a socket's path is
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	h := &house{bin: filepath.Join(dir, "bin"), shop: filepath.Join(dir, "home/shop"), out: filepath.Join(dir, "home/out")}
	h.environ = []string{
		"HOME=" + dir + "/home", "XDG_RUNTIME_DIR=" + runtimeDir(b), "TERM=dumb", "LANG=C.UTF-8",
		"PATH=" + h.bin + ":" + os.Getenv("PATH"), "ESCENV_QUIET=1", "DIRENV_LOG_FORMAT=",
	}
	token := strings.Repeat("FwoGZXIvYXdzEXAMPLE", 40)
	h.write(b, dir+"/home/.config/escenv/environments/shop/dev.yaml", fmt.Sprintf(definition, token))
	h.write(b, h.shop+"/.escenv", "shop/dev\n")
	h.write(b, h.out+"/nothing", "")
	h.write(b, dir+"/empty/main.go", "package main\n\nfunc main() {}\n")
	h.build(b, dir)
	h.mustRun(b, h.shop, "escenv", "allow", "--yes")
	h.mustRun(b, h.shop, "escenv", "exec", "--no-mask", "--", "true")
	b.Cleanup(func() { h.mustRun(b, h.shop, "escenv", "agent", "stop") })
	h.invite(b, dir, token)
	return h
}

// runtimeDir makes a runtime directory in memory, where people have theirs, if
// there is such a place.
func runtimeDir(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "bench")
	if err != nil {
		dir, err = os.MkdirTemp("", "bench")
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// invite makes room for the peers that are there: direnv as Debian has it, and
// mise from .ci/tools.
func (h *house) invite(b *testing.B, dir, token string) {
	b.Helper()
	if _, err := exec.LookPath("direnv"); err == nil {
		h.rc = filepath.Join(dir, "home/rc")
		h.write(b, h.rc+"/.envrc", fmt.Sprintf(envrc, token))
		h.mustRun(b, h.rc, "direnv", "allow")
	}
	mise, err := filepath.Abs("../.cache/tools/mise")
	if _, statErr := os.Stat(mise); err == nil && statErr == nil {
		h.mise = filepath.Join(dir, "home/mise")
		h.write(b, h.mise+"/mise.toml", fmt.Sprintf(miseToml, token))
		if err := os.Symlink(mise, filepath.Join(h.bin, "mise")); err != nil {
			b.Fatal(err)
		}
		h.mustRun(b, h.mise, "mise", "trust")
	}
}

func (h *house) write(b *testing.B, file, text string) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

// build installs the programs as a person does.
func (h *house) build(b *testing.B, dir string) {
	b.Helper()
	install := exec.Command("./install.sh", "--quiet")
	install.Dir = ".."
	linked, empty := dir+"/empty/linked", filepath.Join(h.bin, "empty")
	link := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", linked, dir+"/empty/main.go")
	copied := exec.Command("cp", linked, empty) // as install.sh does, for that makes a difference
	for _, cmd := range []*exec.Cmd{install, link, copied} {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "PREFIX="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
		}
	}
}

// command prepares a program of the house, or of this machine.
func (h *house) command(dir string, argv ...string) *exec.Cmd {
	path := filepath.Join(h.bin, argv[0])
	if _, err := os.Stat(path); err != nil {
		path, _ = exec.LookPath(argv[0])
	}
	return &exec.Cmd{Path: path, Args: argv, Dir: dir, Env: append(slices.Clone(h.environ), "PWD="+dir)}
}

func (h *house) mustRun(b *testing.B, dir string, argv ...string) string {
	b.Helper()
	out, err := h.command(dir, argv...).CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

// A contender is one way to do the job.
type contender struct {
	name string
	argv []string
	dir  string
	env  []string
}

// asHook is what the hook sets for escenv.
var asHook = []string{"GOMAXPROCS=1", "__ESCENV_GOMAXPROCS="}

// BenchmarkProcess starts each contender in turn, round after round, and
// reports its best and median time and how many times an empty Go program's
// best and median that is.
func BenchmarkProcess(b *testing.B) {
	h := newHouse(b)
	contenders := []contender{
		{name: "empty", argv: []string{"empty"}, dir: h.shop},
		{name: "export-enter", argv: []string{"escenv", "export", "bash"}, dir: h.shop, env: asHook},
		{name: "export-outside", argv: []string{"escenv", "export", "bash"}, dir: "/", env: asHook},
		{name: "exec-replace", argv: []string{"escenv", "exec", "--no-mask", "--", "/bin/true"}, dir: h.shop},
		{name: "exec-masked", argv: []string{"escenv", "exec", "--", "/bin/true"}, dir: h.shop},
		{name: "true", argv: []string{"/bin/true"}, dir: h.shop},
	}
	if h.rc != "" {
		contenders = append(contenders,
			contender{name: "direnv-enter", argv: []string{"direnv", "export", "bash"}, dir: h.rc},
			contender{name: "direnv-unchanged", argv: []string{"direnv", "export", "bash"}, dir: h.rc, env: h.loaded(b, h.rc, "direnv export bash")})
	}
	if h.mise != "" {
		contenders = append(contenders,
			contender{name: "mise-enter", argv: []string{"mise", "hook-env", "-s", "bash"}, dir: h.mise},
			contender{name: "mise-unchanged", argv: []string{"mise", "hook-env", "-s", "bash"}, dir: h.mise, env: h.loaded(b, h.mise, "mise hook-env -s bash")})
	}
	times := map[string][]time.Duration{}
	for b.Loop() {
		for _, c := range contenders {
			cmd := h.command(c.dir, c.argv...)
			cmd.Env = append(cmd.Env, c.env...)
			start := time.Now()
			if err := cmd.Run(); err != nil {
				b.Fatalf("%s: %v", c.name, err)
			}
			times[c.name] = append(times[c.name], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op") // the sum of them all says nothing
	base := summary(times["empty"])
	for _, c := range contenders {
		s := summary(times[c.name])
		b.Logf("%-18s best %7.3f ms (%5.2fx)   median %7.3f ms (%5.2fx)", c.name,
			s.best.Seconds()*1e3, ratio(s.best, base.best), s.median.Seconds()*1e3, ratio(s.median, base.median))
		b.ReportMetric(ratio(s.median, base.median), c.name+"/empty")
	}
}

// loaded returns the variables of a shell in which a peer has loaded.
func (h *house) loaded(b *testing.B, dir, command string) []string {
	b.Helper()
	out := h.mustRun(b, dir, "bash", "-c", `eval "$(`+command+` 2>/dev/null)"; env | grep -E '^(DIRENV_|__MISE|AWS_|LOG_LEVEL)'`)
	return strings.Split(strings.TrimSpace(out), "\n")
}

type stats struct{ best, median time.Duration }

func summary(times []time.Duration) stats {
	slices.Sort(times)
	return stats{times[0], times[len(times)/2]}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
