package e2e

import (
	"io"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Sessions end soon here, so that a test sees several. Real clients then ask
// for credentials at each of their requests, as they do with any that have only
// minutes left.
const (
	sessionLife = 12 * time.Second
	expirations = 3
	clientTime  = expirations*sessionLife + 4*time.Second
)

// clients are real clients of AWS that read an object again and again. Each
// takes the cloud's endpoint, a bucket, an object and for how many seconds.
var clients = map[string]func(*testing.T, *devcloud) []string{
	"aws":    awsInALoop,
	"boto3":  boto3,
	"sdk-go": sdkForGo,
	"sdk-js": sdkForJavaScript,
}

// awsInALoop runs the AWS CLI once for each request.
func awsInALoop(*testing.T, *devcloud) []string {
	return []string{"sh", "-c", `
end=$(($(date +%s) + $4)) n=0
while aws s3api head-object --bucket $2 --key $3 >/dev/null || exit; do
  n=$((n + 1))
  [ $(date +%s) -lt $end ] || break
done
echo $n`, "sh"}
}

func boto3(t *testing.T, _ *devcloud) []string {
	t.Helper()
	pythons := []string{"/usr/bin/python3"}
	if out, err := exec.Command("pyenv", "which", "python3").Output(); err == nil {
		pythons = append(pythons, strings.TrimSpace(string(out)))
	}
	for _, python := range pythons {
		if exec.Command(python, "-c", "import boto3").Run() == nil {
			return []string{python, absolute(t, "clients/python/client.py")}
		}
	}
	t.Fatal("boto3 is needed: .ci/packages boto3")
	return nil
}

func sdkForGo(t *testing.T, d *devcloud) []string {
	t.Helper()
	program := filepath.Join(filepath.Dir(d.program), "client")
	buildProgram(t, ".", program, "./clients/go")
	return []string{program}
}

func sdkForJavaScript(t *testing.T, _ *devcloud) []string {
	t.Helper()
	modules := absolute(t, "../.cache/tools/javascript/node_modules")
	if !exists(modules) {
		t.Fatal("the AWS SDK for JavaScript is needed: .ci/tools javascript")
	}
	return []string{"env", "NODE_PATH=" + modules, "node", absolute(t, "clients/javascript/client.cjs")}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// reads is the command line of a client.
func (d *devcloud) reads(t *testing.T, client string, seconds int) []string {
	t.Helper()
	return append(clients[client](t, d), d.cloud.s3, d.cloud.bucket, client, strconv.Itoa(seconds))
}

// TestRealClientsOutliveTheirCredentials runs them side by side, each under an
// escenv exec of its own, for longer than three sessions live.
func TestRealClientsOutliveTheirCredentials(t *testing.T) {
	d := startDevcloud(t, sessionLife)
	seconds := int(clientTime / time.Second)
	commands := map[string][]string{"upload": {"aws", "s3", "cp", "-", "s3://" + d.cloud.bucket + "/upload"}}
	for name := range clients {
		commands[name] = d.reads(t, name, seconds)
	}
	var all sync.WaitGroup
	var used atomic.Int32 // the most keys that one of them used
	for object, command := range commands {
		all.Go(func() {
			t.Run(object, func(t *testing.T) { d.outlives(t, object, command, &used) })
		})
	}
	all.Wait()
	calls := d.cloud.sts.calls.Load()
	t.Logf("STS was called %d times; a client used up to %d keys", calls, used.Load())
	if calls > used.Load()+1 { // one that came when it had ended, perhaps
		t.Error("the clients' commands do not share their sessions")
	}
}

// outlives runs a client of an object, and looks at what it asked for.
func (d *devcloud) outlives(t *testing.T, object string, command []string, used *atomic.Int32) {
	t.Helper()
	asked := d.counted(t, slowly(), command)
	keys := map[string]bool{}
	requests := d.requests(object)
	for _, r := range requests {
		keys[r.AccessKeyID] = true
		if r.Status >= 300 {
			t.Errorf("%s: %d %s", r.Action, r.Status, r.Code)
		}
	}
	t.Logf("%d requests with %d keys; credentials were asked for %d times", len(requests), len(keys), asked)
	if len(keys) <= expirations {
		t.Errorf("it used %d keys, want more than %d", len(keys), expirations)
	}
	if asked < len(keys) || asked > 2*len(requests)+2 {
		t.Errorf("it asked for credentials %d times", asked)
	}
	for n := int32(len(keys)); ; {
		if most := used.Load(); most >= n || used.CompareAndSwap(most, n) {
			return
		}
	}
}

// slowly returns an input that takes its time: one client uploads it, in parts,
// and the others do not read it.
func slowly() io.Reader {
	const parts, part = 8, 8 << 20 // bytes, as the AWS CLI cuts them
	r, w := io.Pipe()
	go func() {
		defer w.Close()
		tick := time.NewTicker(clientTime / parts)
		defer tick.Stop()
		for range parts {
			if _, err := w.Write(make([]byte, part)); err != nil {
				return
			}
			<-tick.C
		}
	}()
	return r
}

// countedFile is set for the process that stands between escenv and a client:
// the file in which to say how often the client asked for credentials.
const countedFile = "ESCENV_E2E_COUNTED"

// counted runs a command under escenv exec --refresh, and returns how often it
// asked for credentials.
func (d *devcloud) counted(t *testing.T, stdin io.Reader, command []string) int {
	t.Helper()
	file := filepath.Join(t.TempDir(), "asked")
	args := append([]string{"exec", "--refresh", "-e", "shop/prod", "--", os.Args[0]}, command...)
	cmd := exec.Command(filepath.Join(lab.bin, "escenv"), args...)
	cmd.Dir, cmd.Env, cmd.Stdin = d.dir, slices.Concat(d.env, []string{countedFile + "=" + file}), stdin
	record := lab.output(t, "client")
	defer record.Close()
	cmd.Stdout, cmd.Stderr = record, record
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(record.Name())
		t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, said)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

// count runs a client, counts how often it asks for credentials, and returns
// its exit status.
func count(file string, args []string) int {
	var asked atomic.Int32
	endpoint, err := url.Parse(os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"))
	if err != nil || endpoint.Path == "" {
		return 1
	}
	between := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		asked.Add(1)
		r.SetURL(&url.URL{Scheme: endpoint.Scheme, Host: endpoint.Host})
	}})
	defer between.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "AWS_CONTAINER_CREDENTIALS_FULL_URI="+between.URL+endpoint.Path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	failed := cmd.Run()
	if err := os.WriteFile(file, []byte(strconv.Itoa(int(asked.Load()))), 0o600); err != nil || failed != nil {
		return 1
	}
	return 0
}
