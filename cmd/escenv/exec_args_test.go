//go:build !escenv_light

package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

// What belongs to escenv and what to the command.
func TestExecArguments(t *testing.T) {
	auto := func(x execution) execution {
		if x.tty == "" {
			x.tty = "auto"
		}
		return x
	}
	for line, want := range map[string]execution{
		"exec aws s3 ls --recursive":              {command: []string{"aws", "s3", "ls", "--recursive"}},
		"exec -e shop/dev -e=shop/eu -- aws -i":   {refs: []string{"shop/dev", "shop/eu"}, command: []string{"aws", "-i"}},
		"exec --env shop/dev --no-mask aws":       {refs: []string{"shop/dev"}, noMask: true, command: []string{"aws"}},
		"exec -i -v --tty never --no-agent -- -x": {noMask: true, verbose: true, private: true, tty: "never", command: []string{"-x"}},

		"exec -- help":                   {command: []string{"help"}},
		"exec --no-mask=false x":         {command: []string{"x"}},
		"exec - x":                       {command: []string{"-", "x"}},
		"exec -- -- x":                   {command: []string{"--", "x"}},
		"exec --help":                    {help: true},
		"run shop/dev aws -i":            {refs: []string{"shop/dev"}, command: []string{"aws", "-i"}},
		"run -v shop/dev -i -- aws -- x": {refs: []string{"shop/dev"}, noMask: true, verbose: true, command: []string{"aws", "--", "x"}},
		"run shop/dev -h":                {refs: []string{"shop/dev"}, help: true},
	} {
		words := strings.Fields(line)
		parse := map[string]func([]string) (*execution, error){"exec": parseExec, "run": parseRun}[words[0]]
		got, err := parse(words[1:])
		if diff := cmp.Diff(auto(want), *got, cmp.AllowUnexported(execution{})); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", line, err, diff)
		}
	}
}

func TestExecArgumentsThatAreWrong(t *testing.T) {
	for line, words := range map[string]string{
		"exec":                   "no command",
		"exec -e shop/dev":       "no command",
		"exec -e":                "needs a value",
		"exec --nope x":          "no flag --nope",
		"exec --no-mask=maybe x": "say true or false",
		"run":                    "no environment",
		"run shop/dev":           "no command",
		"run -e shop/dev x y":    "first word",
	} {
		args := strings.Fields(line)
		parse := map[string]func([]string) (*execution, error){"exec": parseExec, "run": parseRun}[args[0]]
		_, err := parse(args[1:])
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
	for _, command := range []*cli.Command{p.newExecCommand(), p.newRunCommand()} {
		for _, flag := range command.Flags {
			for _, name := range flag.Names() {
				set, takesValue := (&execution{}).flag(name)
				_, isBool := flag.(*cli.BoolFlag)
				if set == nil || takesValue == isBool {
					t.Errorf("escenv %s --%s: shown as bool %v, read as known %v with value %v", command.Name, name, isBool, set != nil, takesValue)
				}
			}
		}
	}
}
