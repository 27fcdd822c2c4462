package activation_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/activation"
)

// Some of bash's variables are numbers, and a number may be an expression that
// runs a command. Bash itself says which.
func TestNumbersThatBashComputes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	const script = `for n in $(compgen -v) HISTCMD; do (builtin export "$n=a[\$(echo $n >&3)]") 2>/dev/null; done 3>&1`
	cmd := exec.Command(bash, "--norc", "-ic", script)
	cmd.Env = []string{"HOME=" + t.TempDir(), "HISTFILE=/dev/null"}
	out, err := cmd.Output()
	if names := string(out); !strings.Contains(names, "RANDOM\n") {
		t.Fatalf("bash computes %q, %v: the attack is not one", names, err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		if activation.Dangerous(name) == "" {
			t.Errorf("%s runs a command and is not dangerous", name)
		}
	}
}
