package hooks_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/escenv/escenv/hooks"
	"github.com/escenv/escenv/shells"
)

// guests are shells whose owners have set them up in ways that break hooks.
var guests = []struct {
	name, shell string
	pre, post   string // before and after the hook is evaluated
	sign        string // at the end of the prompts, if that is not "$"
}{
	{"set -eu", "bash", "", "set -eu", ""},
	{"set -eu first", "bash", "set -eu", "", ""},
	{"set -eu", "zsh", "", "setopt errexit nounset", ""},
	{"set -eu first", "zsh", "setopt errexit nounset", "", ""},
	{"noclobber", "bash", "set -o noclobber", "", ""},
	{"noclobber", "zsh", "setopt noclobber", "", ""},
	{"nullglob and noglob", "bash", "shopt -s nullglob failglob; set -f", "", ""},
	{"glob options", "zsh", "setopt nullglob kshglob extendedglob globsubst noglob", "", ""},
	{"odd IFS", "bash", "IFS=/escnv_", "", ""},
	{"odd IFS", "zsh", "IFS=/escnv_", "", ""},
	{"allexport", "bash", "set -a", "", ""},
	{"allexport", "zsh", "setopt allexport", "", ""},
	{"xtrace", "bash", "", "set -x", ""},
	{"xtrace", "zsh", "", "setopt xtrace", ""},
	{"trace", "fish", "", "set -g fish_trace 1", ""},
	{"csh quotes and other zsh options", "zsh", "setopt cshjunkiequotes cshjunkieloops rcquotes ksharrays shwordsplit kshtypeset warncreateglobal warnnestedvar bsdecho", "", ""},
	{"sh emulation", "zsh", "", "setopt shwordsplit ksharrays posixbuiltins posixidentifiers", ""},
	{"posix", "bash", "", "set -o posix", ""},
	{"aliases", "bash", "alias local=false builtin=false unset=false export=false return=false set=false declare=false cd='cd -P'", "", ""},
	{"aliases", "zsh", "alias local=false builtin=false unset=false export=false return=false set=false typeset=false print=false emulate=false setopt=false", "", ""},
	{"functions", "bash", "export() { command false; }; unset() { command false; }; local() { command false; }", "", ""},
	{"functions", "fish", "function test; return 3; end; function path; return 3; end; function eval; end", "functions -e test path eval", ""},
	{"readonly names of others", "bash", "readonly vars=1 status=1 dir=1 found=1 text=1 name=1", "", ""},
	{"readonly names of others", "zsh", "readonly vars=1 dir=1 found=1 text=1 name=1", "", ""},
	{"a string in PROMPT_COMMAND", "bash", "PROMPT_COMMAND='true; '", "", ""},
	{"an exported PROMPT_COMMAND", "bash", "export PROMPT_COMMAND='history -a;'", "", ""},
	{"other precmd functions", "zsh", "p() { true }; precmd_functions=(p); chpwd_functions=(p)", "", ""},
	{"sourced twice", "bash", "eval \"$(escenv hook bash)\"", "", ""},
	{"sourced twice", "zsh", "eval \"$(escenv hook zsh)\"", "", ""},
	{"sourced twice", "fish", "escenv hook fish | source", "", ""},
	{"direnv", "bash", `eval "$(direnv hook bash)"`, "", ""},
	{"direnv", "zsh", `eval "$(direnv hook zsh)"`, "", ""},
	{"direnv", "fish", "direnv hook fish | source", "", ""},
	{"direnv behind", "bash", "", `eval "$(direnv hook bash)"`, ""},
	{"direnv behind", "zsh", "", `eval "$(direnv hook zsh)"`, ""},
	{"direnv behind", "fish", "", "direnv hook fish | source", ""},
	{"zoxide", "bash", `eval "$(zoxide init bash)"`, "", ""},
	{"zoxide", "zsh", `eval "$(zoxide init zsh)"`, "", ""},
	{"zoxide", "fish", "zoxide init fish | source", "", ""},
	{"zoxide behind", "bash", "", `eval "$(zoxide init bash)"`, ""},
	{"a prompt that runs the one before, as starship's", "bash", "", `before=$PROMPT_COMMAND; star() { eval "$before"; }; PROMPT_COMMAND=star`, ""},
	{"a DEBUG trap, as bash-preexec's", "bash", `trap 'true "$_"' DEBUG`, "", ""},
	{"a DEBUG trap behind", "bash", "", `preexec() { true; }; trap preexec DEBUG`, ""},
	{"bash-preexec", "bash", preexec, "", ""},
	{"bash-preexec behind", "bash", "", preexec, ""},
	{"liquidprompt", "bash", "LP_PS1_POSTFIX='@ '; source /usr/share/liquidprompt/liquidprompt", "", "@"},
	{"liquidprompt behind", "bash", "", "LP_PS1_POSTFIX='@ '; source /usr/share/liquidprompt/liquidprompt", "@"},
	{"liquidprompt", "zsh", "LP_PS1_POSTFIX='@ '; source /usr/share/liquidprompt/liquidprompt", "", "@"},
	{"powerlevel9k", "zsh", "POWERLEVEL9K_LEFT_PROMPT_ELEMENTS=(dir) POWERLEVEL9K_RIGHT_PROMPT_ELEMENTS=()\nsource /usr/share/powerlevel9k/powerlevel9k.zsh-theme", "", "\ue0b0"},
	{"powerlevel9k behind", "zsh", "", "POWERLEVEL9K_LEFT_PROMPT_ELEMENTS=(dir) POWERLEVEL9K_RIGHT_PROMPT_ELEMENTS=()\nsource /usr/share/powerlevel9k/powerlevel9k.zsh-theme", "\ue0b0"},
	{"zsh-autosuggestions and zsh-syntax-highlighting", "zsh", "", "source /usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh; source /usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh", ""},
	{"other events", "fish", "function p --on-event fish_prompt; end; function q --on-variable PWD; end", "", ""},
}

// preexec has bash-preexec, as .ci/tools brings it, and functions of the user's.
const preexec = `source @TOOLS@/bash-preexec.sh; preexec() { echo "[before $1]"; }; precmd() { echo "[after $?]"; }`

// sourced is a file that a guest's owner sources, or a program that says what to
// evaluate.
var sourced = regexp.MustCompile(`source (/[^;\s]+)|\b(direnv|zoxide)\b`)

// needGuest returns a part of a startup file. The test is skipped where what
// that wants is not there, but not on a machine whose word counts.
func needGuest(t *testing.T, startup string) string {
	t.Helper()
	tools, err := filepath.Abs("../.cache/tools")
	must(t, err)
	startup = strings.ReplaceAll(startup, "@TOOLS@", tools)
	for _, wanted := range sourced.FindAllStringSubmatch(startup, -1) {
		if wanted[2] != "" {
			need(t, wanted[2])
		} else if _, err := os.Stat(wanted[1]); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	return startup
}

// TestGoodGuest: whatever the owner's habits, credentials come and go, the
// secrets stay off the screen, and the shell lives.
func TestGoodGuest(t *testing.T) {
	for _, guest := range guests {
		t.Run(guest.shell+"/"+guest.name, func(t *testing.T) {
			t.Parallel()
			pre, post := needGuest(t, guest.pre), needGuest(t, guest.post)
			h := newHouse(t)
			h.sign = guest.sign
			h.escenv("shop", "allow", "--yes")
			s := h.start(t, guest.shell, "out", pre, post)
			s.wantText(s.run("cd "+h.path("shop")+" && dump"), "escenv: loaded shop/dev")
			if got := s.dumped()["AWS_SECRET_ACCESS_KEY"]; got != `dev'secret\` {
				t.Errorf("the secret is %q", got)
			}
			s.wantSilence(s.run("true"))
			s.write("shop/.escenv", "shop/dev\n")
			s.run("true")
			s.wantKey("AKIADEV")
			s.run("cd " + h.path("out"))
			env := s.env()
			if _, set := env["AWS_SECRET_ACCESS_KEY"]; set {
				t.Error("the secret is left")
			}
			for name := range env {
				if strings.HasPrefix(name, "__escenv") && !strings.HasPrefix(guest.name, "allexport") {
					t.Errorf("%s reaches children", name)
				}
			}
			if strings.Contains(s.bytes(), "secret") {
				t.Errorf("the secret was on the screen:\n%s", s.text())
			}
		})
	}
}

// TestPreexecSeesTheUsersCommands, each once, and none of the hook's, and $? is
// what they left. The prompt gives the terminal its title: what comes behind
// bash-preexec in PROMPT_COMMAND is a command to it.
func TestPreexecSeesTheUsersCommands(t *testing.T) {
	lines := []string{needGuest(t, preexec), installLines["bash"], `PS1='\[\e]2;sync:$?\a\]$ '`, ""}
	for _, place := range []string{"before", "behind"} {
		rc := strings.Join(lines, "\n")
		slices.Reverse(lines[:2])
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.escenv("shop", "allow", "--yes")
			h.write("home/rc.bash", rc)
			s := h.startProgram(t, "bash", "out", []string{need(t, "bash"), "--noprofile", "--rcfile", h.path("home/rc.bash"), "-i"}, nil)
			enter := "cd " + h.path("shop")
			s.wantLines(s.run(enter), "[before "+enter+"]", loadedDev, "[after 0]")
			s.wantLines(s.run("sh -c 'exit 4'"), "[before sh -c 'exit 4']", "[after 4]")
			h.write("shop/.escenv", "shop/dev\n")
			s.wantLines(s.run("sh -c 'exit 5'"), "[before sh -c 'exit 5']", "[after 5]") // not quiet
			s.wantKey("AKIADEV")
		})
	}
}

// TestTheRestOfTheStringSeesTheStatus: many append to PROMPT_COMMAND as if it
// were always a string, and look at $? there.
func TestTheRestOfTheStringSeesTheStatus(t *testing.T) {
	h := newHouse(t)
	h.escenv("shop", "allow", "--yes")
	s := h.start(t, "bash", "out", "", `PROMPT_COMMAND="$PROMPT_COMMAND; seen=\$?"`)
	for _, dir := range []string{"out", "shop"} {
		s.run("cd " + h.path(dir))
		s.write("shop/.escenv", "shop/dev\n") // not quiet in shop
		s.run("(exit 4)")
		s.wantScreen(s.run(`echo "$seen"`), "4")
		s.run("(exit 5)") // quiet
		s.wantScreen(s.run(`echo "$seen"`), "5")
	}
	s.wantKey("AKIADEV")
}

// TestAPromptThatRunsTheOneBefore keeps what was in PROMPT_COMMAND and runs it
// itself, as starship does: it shows the new directory's environment at once,
// and what the user's command ended with.
func TestAPromptThatRunsTheOneBefore(t *testing.T) {
	star := `before=$PROMPT_COMMAND; star() { last="$? ${PIPESTATUS[*]}"; eval "$before"; PS1="($ESCENV_ENV, $last) $ "; }; PROMPT_COMMAND=star; trap 'true "$_"' DEBUG`
	for place, parts := range map[string][2]string{"before": {star, ""}, "behind": {"", star}} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.escenv("shop", "allow", "--yes")
			s := h.start(t, "bash", "out", parts[0], parts[1])
			s.run("cd " + h.path("shop"))
			s.wantPrompt("(shop/dev, 0 0) $")
			s.run("sh -c 'exit 4' | sh -c 'exit 5'")
			s.wantPrompt("(shop/dev, 5 4 5) $")
			s.run("cd " + h.path("out"))
			s.wantPrompt("(, 0 0) $")
		})
	}
}

// wantPrompt checks what the prompt is.
func (s *shell) wantPrompt(want string) {
	s.t.Helper()
	if v := s.view(s.from); v.lines[v.row] != want {
		s.t.Errorf("%s: the prompt is %q, want %q", s.name, v.lines[v.row], want)
	}
}

// TestAFailureIsTrappedOnce: what the hook hands on is no failure of its own.
func TestAFailureIsTrappedOnce(t *testing.T) {
	h := newHouse(t)
	h.escenv("shop", "allow", "--yes")
	s := h.start(t, "bash", "shop", "", `PROMPT_COMMAND=(: "${PROMPT_COMMAND[@]}"); failures=0; trap 'failures=$((failures+1))' ERR`)
	s.run("(exit 4)")
	s.wantScreen(s.run(`echo "$? $failures"`), "4 1")
	s.run("trap - ERR")
	s.wantScreen(s.run(`echo "$failures"`), "1")
	s.wantKey("AKIADEV")
}

// wantLines checks that the screen has these lines, in whatever order, and
// nothing else.
func (s *shell) wantLines(text string, lines ...string) {
	s.t.Helper()
	got := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	slices.Sort(got)
	slices.Sort(lines)
	if !slices.Equal(got, lines) {
		s.t.Errorf("%s: the screen has %q, want %q", s.name, got, lines)
	}
}

// TestAnInstantPromptStays: until the last of the functions before the first
// prompt, all that is printed goes to a file, and what is in there spoils the
// prompt that was on the screen at once. These are powerlevel10k's rules.
func TestAnInstantPromptStays(t *testing.T) {
	h := newHouse(t)
	h.escenv("shop", "allow", "--yes")
	s := h.start(t, "zsh", "shop",
		"exec {out}>&1 {err}>&2 >"+h.path("instant")+" 2>&1",
		"_instant() { exec >&$out 2>&$err; precmd_functions=(${precmd_functions:#_instant}) }; precmd_functions+=(_instant)")
	if text, err := os.ReadFile(h.path("instant")); err != nil || len(text) > 0 {
		t.Errorf("it prints %q, %v", text, err)
	}
	s.wantText(s.run("true"), "escenv: loaded shop/dev")
	s.wantKey("AKIADEV")
}

// TestOldBash takes the way of bash before 5.1, with a string for
// PROMPT_COMMAND and no EPOCHSECONDS.
func TestOldBash(t *testing.T) {
	h := newHouse(t)
	h.escenv("shop", "allow", "--yes")
	s := h.start(t, "bash", "out",
		`PROMPT_COMMAND='sync; '; sync() { printf "\033]2;sync:%s\a" "$? ${PIPESTATUS[*]}"; }; EPOCHSECONDS=; unset EPOCHSECONDS
escenv() { if [[ $1 == hook ]]; then command escenv hook bash | sed 's/>= 501/>= 9999/'; else command escenv "$@"; fi; }`,
		`sync() { printf "<<old:%s>>\n" "$? ${PIPESTATUS[*]}"; }; PROMPT_COMMAND=("$PROMPT_COMMAND")`)
	s.wantText(s.run("cd "+h.path("shop")), "escenv: loaded shop/dev")
	s.wantText(s.run("(exit 3) | (exit 4)"), "<<old:4 3 4>>")
	if _, status := s.status("(exit 3) | (exit 4)"); !strings.HasPrefix(status, "4 ") {
		t.Errorf("behind the hook the status is %s", status)
	}
	s.wantKey("AKIADEV")
	s.run("cd " + h.path("out"))
	s.wantKey("")
}

// TestFunctionsOfTheUsersOwnStay: a cd of theirs is not replaced, and the
// prompt follows it.
func TestFunctionsOfTheUsersOwnStay(t *testing.T) {
	h := newHouse(t)
	h.escenv("shop", "allow", "--yes")
	s := h.start(t, "bash", "out", `cd() { builtin cd "$@" && echo mine; }`, "")
	text := s.run("cd " + h.path("shop"))
	s.wantText(text, "mine")
	s.wantText(text, "escenv: loaded shop/dev")
}

// TestNothingOnStdout: what a cd inside a substitution prints is the user's.
func TestNothingOnStdout(t *testing.T) {
	for _, name := range shellNames {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.escenv("shop", "allow", "--yes")
			s := h.start(t, name, "out", "", "")
			line := `echo "[$(cd ` + h.path("shop") + ` && pwd)]"`
			if name == "fish" {
				line = "echo [(cd " + h.path("shop") + " && pwd)]"
			}
			s.wantText(s.run(line), "["+h.path("shop")+"]")
		})
	}
}

// TestLint holds the scripts, as people get them, against each shell's own
// parser and shellcheck.
func TestLint(t *testing.T) {
	for _, check := range [][]string{
		{"bash", "bash", "-n"},
		{"zsh", "zsh", "-n"},
		{"fish", "fish", "--no-execute"},
		{"bash", "shellcheck", "--severity=style"},
	} {
		t.Run(check[1], func(t *testing.T) {
			program := need(t, check[1])
			d, err := shells.Lookup(check[0])
			must(t, err)
			script, err := hooks.Script(d, "/opt/it's here/escenv")
			must(t, err)
			file := t.TempDir() + "/hook"
			must(t, os.WriteFile(file, []byte(script), 0o600))
			if out, err := exec.Command(program, append(check[2:len(check):len(check)], file)...).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	if d, _ := shells.Lookup("dash"); d != nil {
		if _, err := hooks.Script(d, "/x"); err == nil {
			t.Error("there is no hook for dash")
		}
	}
}
