package hooks_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// installLines are what people are told to put into their shell's startup file,
// and what the shells of these tests have there.
var installLines = map[string]string{
	"bash":   `eval "$(escenv hook bash)"`,
	"zsh":    `eval "$(escenv hook zsh)"`,
	"fish":   "escenv hook fish | source",
	"elvish": "eval (escenv hook elvish | slurp)",
	// $() of xonsh 0.13, on a busy machine, is empty once in some hundred times.
	"xonsh": `execx(__import__("subprocess").check_output(["escenv", "hook", "xonsh"], text=True))`,
	"tcsh":  "if ($?prompt) source ~/.escenv.tcsh",
}

// writeLines are what people are told to run before, where a shell reads a file.
var writeLines = map[string]string{
	"nu":   "escenv hook nu > ~/.config/nushell/autoload/escenv.nu",
	"tcsh": "escenv hook tcsh > ~/.escenv.tcsh",
}

// install runs the line for a shell that reads a file.
func (h *house) install(shell string) {
	h.t.Helper()
	cmd := exec.Command("sh", "-c", writeLines[shell])
	cmd.Env = h.environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("%s: %v\n%s", writeLines[shell], err, out)
	}
}

// TestPeopleAreToldWhatIsTested looks for the lines where people do.
func TestPeopleAreToldWhatIsTested(t *testing.T) {
	help := newHouse(t).escenv(".", "hook", "--help")
	for _, lines := range []map[string]string{installLines, writeLines} {
		for shell, line := range lines {
			if !strings.Contains(help, line) {
				t.Errorf("escenv hook --help has no line %s for %s", line, shell)
			}
		}
	}
	for _, file := range []string{"../README.md", "../install.sh", "../cmd/escenv/status.go"} {
		page, err := os.ReadFile(file)
		must(t, err)
		for _, shell := range shellNames {
			if !strings.Contains(strings.ReplaceAll(string(page), `\|`, "|"), installLines[shell]) {
				t.Errorf("%s has no line %s", file, installLines[shell])
			}
		}
	}
}
