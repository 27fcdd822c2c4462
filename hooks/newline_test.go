package hooks_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/escenv/escenv/hooks"
	"github.com/escenv/escenv/shells"
)

// A directory whose name has a newline is not the one whose name has a blank
// there: fish splits at newlines what a substitution gives, and joins it again.
func TestFishKeepsNewlinesInDirectories(t *testing.T) {
	fish, err := exec.LookPath("fish")
	if err != nil {
		t.Skip("there is no fish")
	}
	dialect, err := shells.Lookup("fish")
	must(t, err)
	script, err := hooks.Script(dialect, "/bin/true")
	must(t, err)
	root := t.TempDir()
	for _, name := range []string{"my shop", "my\nshop", "my shop\n"} {
		must(t, os.Mkdir(filepath.Join(root, name), 0o700))
	}
	must(t, os.WriteFile(filepath.Join(root, "my shop", ".escenv"), nil, 0o600))
	for name, want := range map[string]string{"my shop": root + "/my shop/.escenv", "my\nshop": "", "my shop\n": ""} {
		look := script + "\nfunction t; set -l __escenv_found; __escenv_look; printf %s $__escenv_found; end; t"
		cmd := exec.Command(fish, "--no-config", "-c", look)
		cmd.Dir = filepath.Join(root, name)
		cmd.Env = append(os.Environ(), "PWD="+cmd.Dir, "HOME="+root)
		if got, err := cmd.Output(); string(got) != want || err != nil {
			t.Errorf("in %q it finds %q, %v, want %q", name, got, err, want)
		}
	}
}
