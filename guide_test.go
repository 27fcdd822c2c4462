package escenv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// guideBlock is a block of commands in the README that says it is tested.
var guideBlock = regexp.MustCompile("(?s)<!-- test:guide -->\n```sh\n(.*?)```")

// TestTheReadmesGuideWorks runs the README's way from nothing to `aws s3 ls`,
// line by line, with the real AWS CLI. Only the issuer's URL and the cloud
// behind it are ours.
func TestTheReadmesGuideWorks(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var guide strings.Builder
	for _, block := range guideBlock.FindAllStringSubmatch(string(readme), -1) {
		guide.WriteString(block[1])
	}
	lines := regexp.MustCompile(`(?m)^ISSUER=.*$`).ReplaceAllString(guide.String(), "ISSUER=$$GUIDE_ISSUER")
	if !strings.Contains(lines, "ISSUER=$GUIDE_ISSUER\n") || strings.Count(lines, "\n") < 15 {
		t.Fatalf("the README has no guide any more:\n%s", lines)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "guide.txtar"), guideScript)
	params := scriptParams(dir)
	params.Setup = func(env *testscript.Env) error {
		aws, err := exec.LookPath("aws")
		if err != nil {
			return err // make test installs it
		}
		env.Setenv("REAL_AWS", aws)
		write(t, filepath.Join(env.WorkDir, "guide.sh"), lines)
		return setup(env)
	}
	runScripts(t, params, leaksFail)
}

const guideScript = `
# a cloud, an aws that also does it if it is too old for AWS_ENDPOINT_URL and for
# providers without thumbprints, and the administrator's credentials
cloud
chmod 755 bin/aws
env PATH=$WORK/bin:$PATH
env GUIDE_ISSUER=$ISSUER
env AWS_ENDPOINT_URL=$ENDPOINT
env AWS_ACCESS_KEY_ID=$ROOT_KEY
env AWS_SECRET_ACCESS_KEY=$ROOT_SECRET
env AWS_DEFAULT_REGION=eu-west-1
exec aws s3 mb s3://shop-assets

# the guide, as it is printed
exec bash -eux guide.sh
stdout 'shop/dev is fine'
stdout 'shop-assets'
! stdout 'ASIA'

# and then the directory, without the administrator's credentials
env AWS_ACCESS_KEY_ID=
env AWS_SECRET_ACCESS_KEY=
! exec aws s3 ls
stderr 'Unable to locate credentials|could not be found'
exec bash -i in-shop.sh
stdout 'shop-assets'
stdout 'gone'

-- bin/aws --
#!/bin/sh
case $2 in create-open-id-connect-provider) set -- "$@" --thumbprint-list 0000000000000000000000000000000000000000 ;; esac
exec "$REAL_AWS" --endpoint-url "$AWS_ENDPOINT_URL" "$@"
-- in-shop.sh --
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
eval "$(escenv hook bash)"
cd shop && aws s3 ls
cd .. && test -z "${AWS_SESSION_TOKEN-}" && ! aws s3 ls && echo gone
`

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
