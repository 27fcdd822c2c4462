package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A devcloud is escenv's own small AWS, whose sessions live as long as a test
// wants, and a person who uses it: their definition is shop/prod.
type devcloud struct {
	*home
	program string
	state   string // the file in which it says where it is
}

// startDevcloud starts one whose sessions end soon, and whose role may do
// anything to the objects of one bucket.
func startDevcloud(t *testing.T, life time.Duration) *devcloud {
	t.Helper()
	dir := serverDir(t)
	d := &devcloud{home: newHome(t), program: filepath.Join(dir, "escenv-devcloud"), state: filepath.Join(dir, "state.json")}
	buildProgram(t, "..", d.program, "./cmd/escenv-devcloud")
	if err := os.Mkdir(d.path("site"), 0o700); err != nil {
		t.Fatal(err)
	}
	var ready struct {
		Endpoint        string `json:"endpoint"`
		IssuerURL       string `json:"issuer_url"`
		AccessKeyID     string `json:"access_key_id"`
		SecretAccessKey string `json:"secret_access_key"`
	}
	line := d.start("serve", "--state-file", d.state, "--issuer-dir", d.path("site"), "--max-session-life", life.String(), "--until-eof")
	if err := json.Unmarshal(line, &ready); err != nil {
		t.Fatal(err)
	}
	d.must(".", "escenv", "issuer", "init", ready.IssuerURL)
	d.must(".", "escenv", "issuer", "publish", "site")
	d.must(".", d.program, "setup", "--state-file", d.state, "--subject", subject, "--role", "shop-prod", "--bucket", "shop-assets")
	root := admin{t, aws.Credentials{AccessKeyID: ready.AccessKeyID, SecretAccessKey: ready.SecretAccessKey}}
	root.iam(ready.Endpoint, "PutRolePolicy", url.Values{
		"RoleName": {"shop-prod"}, "PolicyName": {"objects"},
		"PolicyDocument": {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::shop-assets/*"}}`},
	})
	for name := range clients {
		root.send("s3", http.MethodPut, ready.Endpoint+"/shop-assets/"+name, name)
	}
	d.cloud = cloud{
		sts: newWitness(t, ready.Endpoint), s3: ready.Endpoint,
		role: "arn:aws:iam::123456789012:role/shop-prod", bucket: "shop-assets",
	}
	d.env = append(d.env, "AWS_ENDPOINT_URL="+ready.Endpoint)
	d.configure("identity: {issuer: {user: alice}}")
	d.write("config/escenv/environments/shop/prod.yaml", d.cloud.definition())
	return d
}

// start runs devcloud until the test ends, and returns the line it prints when
// it is ready.
func (d *devcloud) start(args ...string) []byte {
	d.t.Helper()
	cmd := exec.Command(d.program, args...)
	cmd.Env = d.env
	stdin, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			d.t.Errorf("escenv-devcloud: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		d.t.Fatal(err)
	}
	return line
}

// admin steers the cloud and returns its answer.
func (d *devcloud) admin(args ...string) []byte {
	d.t.Helper()
	return []byte(d.must(".", append([]string{d.program, "admin", "--state-file", d.state}, args...)...))
}

// A request is one that reached the cloud.
type request struct {
	Service, Action, Resource, Code string
	AccessKeyID                     string `json:"access_key_id"`
	Status                          int
}

// requests returns those about one object that sessions made, oldest first.
func (d *devcloud) requests(object string) []request {
	d.t.Helper()
	var all, found []request
	if err := json.Unmarshal(d.admin("GET", "requests"), &all); err != nil {
		d.t.Fatal(err)
	}
	for _, r := range all {
		if r.Resource == "arn:aws:s3:::"+d.cloud.bucket+"/"+object && strings.HasPrefix(r.AccessKeyID, "ASIA") {
			found = append(found, r)
		}
	}
	return found
}

// buildProgram builds a program of a module.
func buildProgram(t *testing.T, dir, to, pkg string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", to, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
}
