package hooks_test

import (
	"path/filepath"
	"strings"
)

// A speech is how one shell says what the scenarios have to say. Whoever adds a
// shell adds one; the scenarios stay as they are.
type speech struct {
	// rc is the startup file: the prompt "$ ", the hook between @PRE@ and @POST@,
	// and behind it what gives the terminal the title that tests wait for:
	// sync:STATUS PIPESTATUS...
	rc string
	// start writes that file below home and returns the arguments to start an
	// interactive shell with. home/rc sourced does the same in another shell.
	start func(home string) (file string, args []string)

	set       string // NAME and VALUE: an exported variable; VALUE has no quotes
	hide      string // NAME and VALUE: one that children do not inherit
	unset     string // NAME
	and       string // between two commands, the second only if the first succeeds
	sub       string // CMD in a subshell; empty if there is none
	pipe      string // a pipeline of which the parts exit with 3 and 4
	status    string // prints [STATUS] of the command before
	source    string // evaluates the hook once more
	autocd    string // has a directory's name alone lead there
	cdpath    string // DIR is where cd looks, too
	physical  bool   // cd -P follows links
	universal bool   // has variables that all its shells share
	traps     bool   // has traps of the user's own, and the command trap to see them
	stack     bool   // has pushd and popd
	ends      bool   // ends the last line of a command that does not

	key   string // has a key lead to DIR
	press string // is that key
}

// speeches by the name of the shell.
var speeches = map[string]speech{
	"bash": {
		rc: "PS1='$ '\n@PRE@\n" + installLines["bash"] + "\n@POST@\nHISTFILE=\n" +
			`PROMPT_COMMAND+=('printf "\033]2;sync:%s\a" "$? ${PIPESTATUS[*]}"')` + "\n",
		start: func(home string) (string, []string) {
			file := filepath.Join(home, "rc.bash")
			return file, []string{"--noprofile", "--rcfile", file, "-i"}
		},
		set: "export NAME='VALUE'", hide: "NAME='VALUE'", unset: "unset NAME",
		and: " && ", sub: "( CMD )", pipe: "(exit 3) | (exit 4)", status: `echo "[$?]"`,
		source: installLines["bash"], autocd: "shopt -s autocd", cdpath: "CDPATH=DIR",
		traps: true, stack: true, physical: true,
		key: `bind -x '"\C-g": cd DIR'`, press: "\x07",
	},
	"zsh": {
		rc: "PS1='$ '\n@PRE@\n" + installLines["zsh"] + "\n@POST@\n" +
			`__sync() { printf "\033]2;sync:%s\a" "$? $pipestatus" }; precmd_functions+=(__sync)` + "\n",
		start: func(home string) (string, []string) {
			return filepath.Join(home, ".zshrc"), []string{"-d", "-i"}
		},
		set: "export NAME='VALUE'", hide: "NAME='VALUE'", unset: "unset NAME",
		and: " && ", sub: "( CMD )", pipe: "(exit 3) | (exit 4)", status: `echo "[$?]"`,
		source: installLines["zsh"], autocd: "setopt autocd", cdpath: "CDPATH=DIR",
		traps: true, stack: true, physical: true, ends: true,
		key: `there() { cd DIR; zle reset-prompt }; zle -N there; bindkey '^G' there`, press: "\x07",
	},
	"fish": {
		rc: "function fish_prompt; echo '$ '; end; set -g fish_greeting\n@PRE@\n" + installLines["fish"] + "\n@POST@\n" +
			`function __sync --on-event fish_prompt; printf "\033]2;sync:%s\a" "$status $pipestatus"; end` + "\n",
		start: func(home string) (string, []string) {
			file := filepath.Join(home, "rc.fish")
			return file, []string{"--no-config", "-i", "-C", "source " + file}
		},
		set: "set -gx NAME 'VALUE'", hide: "set -g NAME 'VALUE'", unset: "set -e NAME",
		and: " && ", pipe: "sh -c 'exit 3' | sh -c 'exit 4'", status: `echo "[$status]"`,
		source: installLines["fish"], autocd: "true", cdpath: "set -g CDPATH DIR",
		stack: true, universal: true, ends: true,
		key: `bind \cg 'cd DIR; commandline -f repaint'`, press: "\x07",
	},
}

// shellNames in the order tests run them.
var shellNames = []string{"bash", "zsh", "fish"}

// speech is how the shell speaks.
func (s *shell) speech() speech {
	if l, ok := speeches[s.name]; ok {
		return l
	}
	return speeches["bash"] // which is put into the shell's words
}

// inner is the command that starts an interactive shell of that name inside.
func (s *shell) inner(name string) string {
	words := s.command(s.t, name, "", "")
	for i, word := range words {
		if strings.Contains(word, " ") {
			words[i] = "'" + word + "'"
		}
	}
	return strings.Join(words, " ")
}

// set, hide and unset variables in the words of the shell.
func (s *shell) set(name, value string) { s.run(phrase(s.speech().set, "NAME", name, "VALUE", value)) }

func (s *shell) hide(name, value string) {
	s.run(phrase(s.speech().hide, "NAME", name, "VALUE", value))
}
func (s *shell) unset(name string) { s.run(phrase(s.speech().unset, "NAME", name)) }

// and joins commands on one line.
func (s *shell) and(commands ...string) string { return strings.Join(commands, s.speech().and) }

// phrase fills words into a phrase.
func phrase(text string, words ...string) string { return strings.NewReplacer(words...).Replace(text) }
