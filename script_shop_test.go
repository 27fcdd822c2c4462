package escenv_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/escenv/escenv/internal/devcloud"
)

// The recipes of docs/recipes.md run here against devcloud, and in e2e, the
// same scripts, against a server that others wrote. What is particular to a
// server is in the commands shop and sts, which both places have.

// shopAccount is devcloud's.
const shopAccount = "123456789012"

// startShop gives a script a shop: buckets shop-dev and shop-prod with a
// receipt in each, definitions shop/dev and shop/prod of roles for them, an
// issuer they trust, programs in ~/.local/bin, and the page's blocks as files
// in the directory page. The clients of the shop need no other setting.
func startShop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: shop")
	}
	startCloud(ts, false, nil)
	ts.Check(ts.Exec("escenv", "issuer", "init", ts.Getenv("ISSUER")))
	ts.Check(ts.Exec("escenv", "issuer", "publish", "site"))
	ts.Check(ts.Exec("escenv", "agent", "stop"))
	ts.Check(setUpShop(ts.Getenv))
	ts.Setenv("ROOT_KEY", "") // commands of a recipe print all they have
	ts.Setenv("ROOT_SECRET", "")
	for _, name := range []string{"dev", "prod"} {
		text := fmt.Sprintf(shopDefinition, "arn:aws:iam::"+shopAccount+":role/shop-"+name)
		place(ts, filepath.Join(ts.Getenv("HOME"), ".config/escenv/environments/shop", name+".yaml"), text, 0o600)
	}
	installClients(ts)
	page, err := os.ReadFile("docs/recipes.md")
	ts.Check(err)
	for _, block := range recipeBlock.FindAllStringSubmatch(string(page), -1) {
		place(ts, ts.MkAbs("page/"+block[1]), block[2], 0o700)
	}
}

// shopDefinition takes a role.
const shopDefinition = `values:
  aws:
    login:
      fn::open::aws-login:
        oidc: {roleArn: '%s', sessionName: escenv, duration: 1h}
  environmentVariables:
    AWS_ACCESS_KEY_ID: ${aws.login.accessKeyId}
    AWS_SECRET_ACCESS_KEY: ${aws.login.secretAccessKey}
    AWS_SESSION_TOKEN: ${aws.login.sessionToken}
    AWS_REGION: eu-west-1
`

// setUpShop does what a person does once in AWS. The role of shop/prod trusts
// all of the shop's environments, and each role knows one bucket.
func setUpShop(getenv func(string) string) error {
	cloud := &devcloud.Client{
		Endpoint: getenv("ENDPOINT"), Region: "eu-west-1", Now: time.Now,
		Key: devcloud.Key{AccessKeyID: getenv("ROOT_KEY"), SecretAccessKey: getenv("ROOT_SECRET")},
	}
	ctx := context.Background()
	for name, subject := range map[string]string{"shop-dev": "escenv:env:shop/dev:user:*", "shop-prod": "escenv:env:shop/*"} {
		_, err := cloud.Setup(ctx, devcloud.Plan{
			Account: shopAccount, IssuerURL: getenv("ISSUER"), Audience: "sts.amazonaws.com", Subject: subject,
			Role: name, MaxSession: time.Hour, Bucket: name, Objects: map[string]string{"receipts/1041.txt": "two cups, for " + name + "\n"},
		})
		policy := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::` + name + `","arn:aws:s3:::` + name + `/*"]}}`
		err = errors.Join(err, cloud.IAM(ctx, "PutRolePolicy", url.Values{"RoleName": {name}, "PolicyName": {"all"}, "PolicyDocument": {policy}}, nil))
		if err != nil {
			return err
		}
	}
	return nil
}

// installClients puts the programs where install.sh does, with an aws that
// knows the shop's endpoint. So does one that Python finds before that, unless
// it is too old for such a setting.
func installClients(ts *testscript.TestScript) {
	aws, err := exec.LookPath("aws") // make test installs it
	ts.Check(err)
	bin := filepath.Join(ts.Getenv("HOME"), ".local/bin")
	place(ts, filepath.Join(bin, "aws"), "#!/bin/sh\nexec '"+aws+"' --endpoint-url "+ts.Getenv("ENDPOINT")+` "$@"`+"\n", 0o755)
	place(ts, filepath.Join(ts.Getenv("HOME"), ".aws/config"), "[default]\nendpoint_url = "+ts.Getenv("ENDPOINT")+"\n", 0o600)
	for _, name := range []string{"escenv", "escenv-agent"} {
		ts.Check(os.Symlink(filepath.Join(programs, name), filepath.Join(bin, name)))
	}
	ts.Setenv("PATH", bin+string(os.PathListSeparator)+ts.Getenv("PATH"))
}

// place makes a file in a directory that may not be there yet.
func place(ts *testscript.TestScript, path, text string, mode os.FileMode) {
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
	ts.Check(os.WriteFile(path, []byte(text), mode))
}

// setSTS has the shop's STS fail from now on, or work again.
func setSTS(ts *testscript.TestScript, neg bool, args []string) {
	admin := map[string][]string{
		"down": {"POST", "faults", `{"action":"AssumeRoleWithWebIdentity","code":"ServiceUnavailable","message":"not tonight","status":503,"times":1000}`},
		"up":   {"DELETE", "faults"},
	}
	if neg || len(args) != 1 || admin[args[0]] == nil {
		ts.Fatalf("usage: sts down|up")
	}
	ts.Check(ts.Exec("escenv-devcloud", append([]string{"admin", "--state-file", "cloud.json"}, admin[args[0]]...)...))
}

// scriptCondition knows what is particular to devcloud: each of its roles may
// do something else.
func scriptCondition(name string) (bool, error) {
	if name != "roles" {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	return true, nil
}

// recipeBlock is a block of the page that recipes run, by name.
var recipeBlock = regexp.MustCompile("(?s)<!-- recipe: (\\S+) -->\n```\\w*\n(.*?)```\n")

// TestEveryRecipeIsRun holds the page against the scripts: what stands in a
// block is run by one, and each section has a block.
func TestEveryRecipeIsRun(t *testing.T) {
	page, err := os.ReadFile("docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/script/recipe_*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("there are no recipes: %v", err)
	}
	var run strings.Builder
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		run.Write(text)
	}
	blocks := recipeBlock.FindAllStringSubmatch(string(page), -1)
	if fences := strings.Count(string(page), "```"); fences != 2*len(blocks) {
		t.Errorf("the page has %d fences, and %d blocks with a name", fences, len(blocks))
	}
	for _, block := range blocks {
		if !regexp.MustCompile(`\bpage/` + regexp.QuoteMeta(block[1]) + `\b`).MatchString(run.String()) {
			t.Errorf("no script runs %s:\n%s", block[1], block[2])
		}
	}
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		if !recipeBlock.MatchString(section) {
			t.Errorf("nothing is run of the section %.40q", section)
		}
	}
}
