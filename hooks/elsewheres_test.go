package hooks_test

import (
	"os"
	"strings"
)

// elsewheres are the shells besides bash, zsh and fish. tests type bash's
// words, which words and rules put into theirs.
var elsewheres = []elsewhere{
	{
		name: "nu",
		argv: func(h *house) []string {
			must(h.t, os.MkdirAll(h.path("home/.config/nushell/autoload"), 0o700))
			for file, text := range map[string]string{
				"config.nu":     "$env.config.show_banner = false; $env.PROMPT_COMMAND = {|| '$' }; $env.PROMPT_INDICATOR = ' '; $env.PROMPT_COMMAND_RIGHT = {|| '' }\n",
				"env.nu":        "",
				"autoload/z.nu": `$env.config.hooks.pre_prompt ++= [{|| print -n $"\e]2;sync:($env.LAST_EXIT_CODE)\a" }]` + "\n",
			} {
				h.write("home/.config/nushell/"+file, text)
			}
			h.install("nu")
			return []string{found(h.t, "nu")}
		},
		words: strings.NewReplacer(" && ", "; ", "echo shop/prod >.escenv", `"shop/prod\n" | save -f .escenv`, "echo shop/dev >../.escenv", `"shop/dev\n" | save -f ../.escenv`,
			"shopt -s autocd", "true", installLines["bash"], "source ~/.config/nushell/autoload/escenv.nu", `echo "[$?]"`, `print $"[($env.LAST_EXIT_CODE)]"`),
		rules: rules(`^export (\w+)=(.*)$`, `$$env.$1 = $2`, `^unset (\w+)$`, `hide-env $1`, `^\( (.*) \)$`, `do { $1 }`, `^set$`, "scope variables | get value | to text; $$env.__escenv | to text"),
		quiet: "true", fail: "^sh -c 'exit 4'",
		cannot: map[string]string{
			"CDPATH":                           "it has none",
			"a renamed and a linked directory": "it runs nothing in a directory that is gone",
			"a variable of the user's that cannot change":    "it has none of that name",
			"names that others use stay theirs":              "its hook's names are in a scope of their own",
			"an unexported variable stays one":               "it has none of that name",
			"pushd, popd and cd -":                           "it has no such commands",
			"the directory vanishes":                         "it runs nothing in a directory that is gone",
			"in a subshell too":                              "it has none; what is said in a block is not known to be one",
			"a subshell leaves the files of its shell alone": "it has none",
		},
	},
	{
		name: "elvish",
		argv: func(h *house) []string {
			h.write("home/rc.elv", "set edit:prompt = { put '$ ' }\nset edit:rprompt = { }\n"+
				installLines["elvish"]+"\nset edit:before-readline = [$@edit:before-readline { print \"\\e]2;sync:\\a\" }]\n")
			return []string{found(h.t, "elvish"), "-rc", h.path("home/rc.elv")}
		},
		words: strings.NewReplacer(" && ", "; ", installLines["bash"], installLines["elvish"], "cd -P ", "cd "),
		rules: rules(`^export (\w+)=(.*)$`, `set-env $1 $2`, `^unset (\w+)$`, `unset-env $1`),
		quiet: "nop", fail: "sh -c 'exit 4'",
		cannot: map[string]string{
			"CDPATH":                                                      "it has none",
			"a directory's name alone leads there":                        "it does not do so",
			"a project's own directories ask nobody":                      "inside, each prompt asks",
			"a renamed and a linked directory":                            "it knows directories without links alone",
			"a variable of the user's that cannot change":                 "it has none of that name",
			"names that others use stay theirs":                           "its hook's names are in a scope of their own",
			"cd keeps its status":                                         "it has exceptions instead",
			"the nearest file counts, and moving between two is one step": "inside, each prompt asks",
			"an unexported variable stays one":                            "it has none of that name",
			"escenv vanishes":                                             "inside, each prompt notices",
			"in a subshell too":                                           "it has none",
			"a subshell leaves the files of its shell alone":              "it has none",
			"no secret in a variable that is not exported":                "it lists no variables, and the hook's are its own",
			"pushd, popd and cd -":                                        "it has no such commands",
			"a cd that fails changes nothing":                             "inside, each prompt asks",
		},
	},
	{
		name: "tcsh",
		argv: func(h *house) []string {
			h.install("tcsh")
			h.write("home/.tcshrc", "set prompt = '$ '\nunset edit\n"+installLines["tcsh"]+"\nalias precmd \"`alias precmd`\"'; echo -n \"\x1b]2;sync:$status\a\"'\n")
			return []string{found(h.t, "tcsh"), "-i"}
		},
		words: strings.NewReplacer(installLines["bash"], "source ~/.escenv.tcsh", "shopt -s autocd", "set implicitcd"),
		rules: rules(`^export (\w+)=(.*)$`, `setenv $1 $2`, `^unset (\w+)$`, `unsetenv $1`, `^CDPATH=(.*)$`, `set cdpath = $1`, `^(\w+)=('.*')$`, `set $1 = $2`, `^readonly (\w+)=(.*)$`, `set -r $1 = $2`,
			`^cd -P (.*)$`, `set symlinks = chase; cd $1; unset symlinks`, `echo (\S+) >(\S+)`, `echo $1 >! $2`),
		quiet: ":", fail: "sh -c 'exit 4'",
		cannot: map[string]string{
			"a project's own directories ask nobody":                      "it asks once more when the second of a change is over",
			"a cd that fails changes nothing":                             "it asks once more when the second of a change is over",
			"escenv vanishes":                                             "it notices when the second of a change is over",
			"in a subshell too":                                           "what is said in one is not known to be",
			"the nearest file counts, and moving between two is one step": "it asks once more when the second of a change is over",
		},
	},
	{
		name: "xonsh",
		argv: func(h *house) []string {
			h.write("home/.xonshrc", "$SHELL_TYPE = 'readline'\n"+installLines["xonsh"]+"\n"+
				"def __sync():\n    print('\\x1b]2;sync:%s\\x07' % $LAST_RETURN_CODE, end='')\n    return '$ '\n$PROMPT = __sync\n")
			return []string{found(h.t, "xonsh"), "--rc", h.path("home/.xonshrc"), "-i"}
		},
		words: strings.NewReplacer(installLines["bash"], installLines["xonsh"], `echo "[$?]"`, `print("[%s]" % $LAST_RETURN_CODE)`, "shopt -s autocd", "$AUTO_CD = True", " >.escenv", " > .escenv", " >../.escenv", " > ../.escenv"),
		rules: rules(`^export (\w+)=(.*)$`, `$$$1 = $2`, `^unset (\w+)$`, `del $$$1`, `^CDPATH=(.*)$`, `$$CDPATH = '$1'`, `^set$`, "print(globals())"),
		quiet: "pass", fail: "sh -c 'exit 4'",
		cannot: map[string]string{
			"a variable of the user's that cannot change":    "it has none of that name",
			"names that others use stay theirs":              "its hook's names are in a scope of their own",
			"an unexported variable stays one":               "it has none of that name",
			"in a subshell too":                              "it has none",
			"a subshell leaves the files of its shell alone": "it has none",
		},
	},
}

// nowhere are scenarios that none of these shells can play, and why.
var nowhere = map[string]string{
	"$? and PIPESTATUS stay":                                        "they have no PIPESTATUS: TestStatusElsewhere",
	"fish's universal variables are only hidden":                    "they have none",
	"the user's traps are theirs":                                   "they have none",
	"a shell inside adopts what it inherited":                       "TestShellInsideElsewhere",
	"a shell inside that leaves":                                    "TestShellInsideElsewhere",
	"shells of another kind inside":                                 "TestShellInsideElsewhere",
	"exec the shell again":                                          "TestShellInsideElsewhere",
	"files are there while the environment is":                      "TestShellInsideElsewhere",
	"a new shell in a project says nothing before its first prompt": "they do, since they have no instant prompts",
	"a cd in the startup file is said when the prompt is there":     "it is said at once, since they have no instant prompts",
	"a shell that was given an environment keeps it":                "what it is given is the same for all",
	"a pane of a terminal multiplexer that was started inside":      "how one starts is the same for all",
	"what a command leaves without an end stays apart":              "each has its own way",
	"a key that leads elsewhere":                                    "they have none, or name it otherwise",
	"su to another user":                                            "TestShellInsideElsewhere",
}
