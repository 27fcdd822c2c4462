package escenv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// promptBlock is a recipe in docs/prompts.md that says it is tested.
var promptBlock = regexp.MustCompile("(?s)<!-- test:prompt ([a-z0-9-]+) -->\n```[a-z]+\n(.*?)```")

// promptRecipes says how to draw the prompt of a recipe, and what it shows in
// shop/prod and where nothing is loaded.
var promptRecipes = map[string]struct {
	shell  []string
	before string
	draw   string
	loaded string // as a regular expression
	empty  string
}{
	"bash": {[]string{"bash", "--norc", "-c"}, `PS1='$ '`, `builtin echo "${PS1@P}"`, `^\(shop/prod\) \$ $`, `^\$ $`},
	"zsh": {
		[]string{"zsh", "-f", "-c"}, "", `print -rP -- $RPROMPT`, `^\x1b\[31mshop/prod\x1b\[\S*$`, `^$`,
	},
	"fish": {[]string{"fish", "--no-config", "-c"}, "", "fish_right_prompt; true", `^\x1b\[31mshop/prod.*$`, `^$`},
	"p10k": {
		[]string{"zsh", "-f", "-c"}, `p10k() { print -r -- "$@" }`, "prompt_escenv; true", `^segment -f cyan -t shop/prod$`, `^$`,
	},
	"tmux-bash": {
		[]string{"bash", "--norc", "-c"},
		`PS1='$ '`, `builtin echo "${PS1@P}"`,
		`^\x1b\]2;shop/prod\x07\$ $`, `^\x1b\]2;no environment\x07\$ $`,
	},
}

// TestPromptRecipesShowTheEnvironment draws each prompt in the real shell, and
// sees with strace that nothing is started for it.
func TestPromptRecipesShowTheEnvironment(t *testing.T) {
	recipes := promptBlocks(t)
	for name, r := range promptRecipes {
		t.Run(name, func(t *testing.T) {
			script := strings.Join([]string{r.before, recipes[name], r.draw}, "\n")
			if recipes[name] == "" {
				t.Fatal("the recipe is gone from the page")
			}
			for _, c := range []struct{ env, want string }{{"ESCENV_ENV=shop/prod", r.loaded}, {"NOTHING=", r.empty}} {
				if got := drawn(t, append(r.shell, script), c.env); !regexp.MustCompile(c.want).MatchString(got) {
					t.Errorf("with %s the prompt is %q, want %s", c.env, got, c.want)
				}
			}
		})
	}
}

// drawn runs a shell and returns what it wrote. It fails if the shell started
// anything.
func drawn(t *testing.T, shell []string, env string) string {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	args := append([]string{"-f", "-qq", "-o", trace, "-e", "trace=clone,clone3,fork,vfork,execve"}, shell...)
	cmd := exec.Command("strace", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TERM=xterm-256color", env}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	calls, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	programs := strings.Count(string(calls), "execve(") - strings.Count(string(calls), "ENOENT")
	forks := regexp.MustCompile(`(?m)\b(clone3?|v?fork)\(`).FindAllString(string(calls), -1)
	threads := strings.Count(string(calls), "CLONE_THREAD")
	if programs != 1 || len(forks) > threads {
		t.Errorf("the prompt starts processes:\n%s", calls)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// TestTheTmuxRecipeShowsTheEnvironment looks at the status line of a real tmux.
func TestTheTmuxRecipeShowsTheEnvironment(t *testing.T) {
	recipes := promptBlocks(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "tmux.conf"), recipes["tmux"])
	write(t, filepath.Join(dir, "rc"), "PS1='$ '\n"+recipes["tmux-bash"])
	tmux := func(args ...string) string {
		cmd := exec.Command("tmux", append([]string{"-S", filepath.Join(dir, "socket"), "-f", filepath.Join(dir, "tmux.conf")}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TERM=xterm", "ESCENV_ENV=shop/prod"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %s: %v\n%s", args[0], err, out)
		}
		return strings.TrimSpace(string(out))
	}
	tmux("new-session", "-d", "bash --rcfile "+filepath.Join(dir, "rc")+" -i")
	t.Cleanup(func() { tmux("kill-server") })
	deadline := time.Now().Add(time.Minute)
	for tmux("display-message", "-p", tmux("show-options", "-gv", "status-right")) != "shop/prod" {
		if time.Now().After(deadline) {
			t.Fatalf("the status line says %q", tmux("display-message", "-p", "#{pane_title}"))
		}
		time.Sleep(20 * time.Millisecond) // tmux is another process
	}
}

func promptBlocks(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("docs", "prompts.md"))
	if err != nil {
		t.Fatal(err)
	}
	recipes := map[string]string{}
	for _, block := range promptBlock.FindAllStringSubmatch(string(page), -1) {
		recipes[block[1]] = block[2]
	}
	return recipes
}
