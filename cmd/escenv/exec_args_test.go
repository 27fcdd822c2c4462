//go:build !escenv_light

package main

import (
	"cmp"
	"errors"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

// parseWords reads a command line, without the word escenv.
func parseWords(line string) (*execution, error) {
	words := strings.Fields(line)
	p := &program{environ: []string{"SHELL=/bin/zsh"}}
	parse := map[string]func([]string) (*execution, error){"exec": parseExec, "run": parseRun, "shell": p.parseShell}[words[0]]
	return parse(words[1:])
}

// What belongs to escenv and what to the command.
func TestExecArguments(t *testing.T) {
	aws := []string{"aws"}
	for line, want := range map[string]execution{
		"exec aws s3 ls --recursive":              {command: []string{"aws", "s3", "ls", "--recursive"}},
		"exec -e shop/dev -e=shop/eu -- aws -i":   {refs: []string{"shop/dev", "shop/eu"}, command: []string{"aws", "-i"}},
		"exec --env shop/dev --no-mask aws":       {refs: []string{"shop/dev"}, mask: "never", command: aws},
		"exec -i -v --tty never --no-agent -- -x": {mask: "never", verbose: true, private: true, tty: "never", command: []string{"-x"}},
		"exec --mask always --tty=output aws":     {mask: "always", tty: "output", command: aws},
		"exec --mask-style width -- aws":          {style: "width", command: aws},
		"exec --mask-var A --mask-var=B -- aws":   {maskVars: []string{"A", "B"}, command: aws},
		"exec --replace --pristine aws":           {replace: true, pristine: true, command: aws},
		"exec --clear-aws --refresh aws":          {clearAWS: true, refresh: true, command: aws},
		"exec --on-expiry=kill --timeout 90 aws":  {onExpiry: "kill", timeout: 90 * time.Second, command: aws},
		"exec --timeout=1h30m --no-refresh aws":   {timeout: 90 * time.Minute, noRefresh: true, command: aws},
		"exec --status-file out.json aws":         {statusFile: "out.json", command: aws},
		"exec --dry-run --json aws":               {dryRun: true, json: true, command: aws},

		"exec -- help":                   {command: []string{"help"}},
		"exec --no-mask=false x":         {command: []string{"x"}},
		"exec - x":                       {command: []string{"-", "x"}},
		"exec -- -- x":                   {command: []string{"--", "x"}},
		"exec --help":                    {help: true},
		"run shop/dev aws -i":            {refs: []string{"shop/dev"}, command: []string{"aws", "-i"}},
		"run -v shop/dev -i -- aws -- x": {refs: []string{"shop/dev"}, mask: "never", verbose: true, command: []string{"aws", "--", "x"}},
		"run shop/dev -h":                {refs: []string{"shop/dev"}, help: true},

		"shell":                   {command: []string{"/bin/zsh"}},
		"shell shop/dev -i":       {refs: []string{"shop/dev"}, mask: "never", command: []string{"/bin/zsh"}},
		"shell -e shop/dev -- -h": {refs: []string{"shop/dev", "-h"}, command: []string{"/bin/zsh"}},
	} {
		want.name, _, _ = strings.Cut(line, " ")
		want.mask, want.tty, want.style = cmp.Or(want.mask, "auto"), cmp.Or(want.tty, "auto"), cmp.Or(want.style, "plain")
		got, err := parseWords(line)
		if diff := gocmp.Diff(want, *got, gocmp.AllowUnexported(execution{})); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", line, err, diff)
		}
	}
}

func TestExecArgumentsThatAreWrong(t *testing.T) {
	for line, words := range map[string]string{
		"exec":                              "no command",
		"exec -e shop/dev":                  "no command",
		"exec -e":                           "needs a value",
		"exec --nope x":                     "no flag --nope",
		"exec --no-mask=maybe x":            "--no-mask maybe: say true or false",
		"exec --tty perhaps x":              "--tty perhaps: use auto, always, never or output",
		"exec --mask=some x":                "--mask some: use auto, always or never",
		"exec --mask-style=red x":           "use plain, name or width",
		"exec --timeout soon x":             "--timeout soon: use seconds",
		"exec --timeout -3 x":               "use seconds",
		"exec --timeout 0 x":                "use seconds",
		"exec --on-expiry ask x":            "use refresh, warn or kill",
		"exec --replace --timeout 3 x":      "--replace and --timeout contradict",
		"exec --replace --mask=always x":    "contradict",
		"exec --replace --status-file f x":  "contradict",
		"exec --mask-var PIN -i x":          "--mask=never and --mask-var contradict",
		"exec --replace --mask-var PIN x":   "contradict",
		"exec --mask-var":                   "needs a value",
		"exec --refresh --on-expiry=warn x": "contradict",
		"exec --refresh --no-refresh x":     "contradict",
		"exec --json x":                     "--dry-run",
		"run":                               "no environment",
		"run shop/dev":                      "no command",
		"run -e shop/dev x y":               "first word",
		"shell shop/dev zsh":                "no command",
	} {
		_, err := parseWords(line)
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(usage.summary, words) {
			t.Errorf("%s: %v, want %q", line, err, words)
		}
	}
}

// Help and completion know the flags from the library's list; what is accepted
// is another. They are the same.
func TestExecKnowsTheFlagsItShows(t *testing.T) {
	p := &program{}
	for _, command := range []*cli.Command{p.newExecCommand(), p.newRunCommand(), p.newShellCommand()} {
		for _, flag := range command.Flags {
			for _, name := range flag.Names() {
				set, takesValue := newExecution("exec").flag(name)
				_, isBool := flag.(*cli.BoolFlag)
				if set == nil || takesValue == isBool {
					t.Errorf("escenv %s --%s: shown as bool %v, read as known %v with value %v", command.Name, name, isBool, set != nil, takesValue)
				}
			}
		}
	}
}
