package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// installAWS puts the machine's AWS CLI into the laboratory's bin directory.
// One too old to honour AWS_ENDPOINT_URL is told the endpoint on every call.
func (l *laboratory) installAWS() error {
	cli, err := findAWS()
	if err != nil {
		return err
	}
	out, err := exec.Command(cli, "--version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s --version: %w\n%s", cli, err, out)
	}
	endpoint := ""
	if !honoursEndpoint(string(out)) {
		endpoint = ` --endpoint-url "$AWS_ENDPOINT_URL"`
	}
	script := "#!/bin/sh\nexec '" + cli + "'" + endpoint + ` "$@"` + "\n"
	return os.WriteFile(filepath.Join(l.bin, "aws"), []byte(script), 0o755)
}

// findAWS looks behind a version manager's shim, which needs the user's HOME.
func findAWS() (string, error) {
	cli, err := exec.LookPath("aws")
	if err != nil {
		return "", fmt.Errorf("the AWS CLI is needed (make e2e installs it): %w", err)
	}
	if filepath.Base(filepath.Dir(cli)) != "shims" {
		return cli, nil
	}
	out, err := exec.Command("pyenv", "which", "aws").Output()
	return strings.TrimSpace(string(out)), err
}

var awsVersion = regexp.MustCompile(`^aws-cli/(\d+)\.(\d+)\.`)

// honoursEndpoint reads what aws --version prints: AWS_ENDPOINT_URL came with
// 1.29 and 2.13.
func honoursEndpoint(version string) bool {
	m := awsVersion.FindStringSubmatch(version)
	if m == nil {
		return false
	}
	minor, _ := strconv.Atoi(m[2])
	return m[1] == "1" && minor >= 29 || m[1] == "2" && minor >= 13
}

func TestHonoursEndpoint(t *testing.T) {
	for version, want := range map[string]bool{
		"aws-cli/1.28.9 Python/3.11":  false,
		"aws-cli/1.29.0 Python/3.11":  true,
		"aws-cli/1.45.11 Python/3.11": true,
		"aws-cli/2.9.19 Python/3.11":  false,
		"aws-cli/2.13.0 Python/3.11":  true,
		"something else":              false,
	} {
		if got := honoursEndpoint(version); got != want {
			t.Errorf("honoursEndpoint(%q) = %v, want %v", version, got, want)
		}
	}
}
