package bench_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// A hook is one way to follow directories: the line of the startup file, NAME
// being the shell's, and where it has something to load. What comes after that
// is what a lease leaves behind: the time to come back.
type hook struct {
	name, line, dir string
	after           map[string]string
}

// hooks are no hook at all, ours without and with a lease, and the peers'.
func (h *house) hooks(b *testing.B) []hook {
	b.Helper()
	lease := map[string]string{
		"bash": "__escenv_since=$EPOCHSECONDS __escenv_due=$((EPOCHSECONDS + 3600))",
		"zsh":  "__escenv_since=$EPOCHSECONDS __escenv_due=$((EPOCHSECONDS + 3600))",
		"fish": "touch -d '+1 hour' $XDG_RUNTIME_DIR/due; set -g __escenv_due $XDG_RUNTIME_DIR/due; set -g __escenv_clock " + terminal(b) + "; __escenv_settle",
	}
	list := []hook{
		{name: "none", dir: h.out},
		{name: "outside", line: "escenv hook NAME", dir: h.out},
		{name: "escenv", line: "escenv hook NAME", dir: h.shop},
		{name: "lease", line: "escenv hook NAME", dir: h.shop, after: lease},
	}
	if h.rc != "" {
		list = append(list, hook{name: "direnv", line: "direnv hook NAME", dir: h.rc})
	}
	if h.mise != "" {
		list = append(list, hook{name: "mise", line: "mise activate NAME", dir: h.mise})
	}
	return list
}

// terminal returns the path of one, which fish looks at to know the time.
func terminal(b *testing.B) string {
	b.Helper()
	keyboard, screen, err := pty.Open()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		keyboard.Close()
		screen.Close()
	})
	return screen.Name()
}

// A prompter is how a shell is made to call its prompt hooks.
type prompter struct {
	load string // LINE evaluated
	run  string // a function that calls every prompt hook once
	loop string // times TIMES calls of run after some to settle; prints microseconds a call
	argv []string
}

var prompters = map[string]prompter{
	"bash": {
		load: `eval "$(LINE)"`,
		run:  `run() { local f; for f in "${PROMPT_COMMAND[@]}"; do eval "$f"; done; }`,
		loop: `a=$EPOCHREALTIME; for ((i = 0; i < TIMES; i++)); do run; done; b=$EPOCHREALTIME
			printf '%d.%d\n' $(( (${b/./} - ${a/./}) / TIMES )) $(( (${b/./} - ${a/./}) * 10 / TIMES % 10 ))`,
		argv: []string{"bash", "--norc", "-c"},
	},
	"zsh": {
		load: `eval "$(LINE)"`,
		run:  `run() { local f; for f in $precmd_functions; do $f; done; }`,
		loop: `zmodload zsh/datetime; a=$EPOCHREALTIME; for ((i = 0; i < TIMES; i++)); do run; done
			b=$EPOCHREALTIME; printf '%.1f\n' $(( (b - a) * 1000000 / TIMES ))`,
		argv: []string{"zsh", "-f", "-c"},
	},
	"fish": {
		load: `LINE | source`,
		run:  `function run; emit fish_prompt; end`,
		loop: `set a (date +%s%N); for i in (seq TIMES); run; end; set b (date +%s%N); math -s1 "($b - $a) / 1000 / TIMES"`,
		argv: []string{"fish", "--no-config", "-c"},
	},
}

// script has a shell measure a hook.
func (h hook) script(shell string, times int) string {
	p := prompters[shell]
	words := []string{p.run}
	if h.line != "" {
		words = append(words, strings.ReplaceAll(p.load, "LINE", strings.ReplaceAll(h.line, "NAME", shell)))
	}
	words = append(words, "cd "+h.dir, "run", "run", "run", h.after[shell], strings.ReplaceAll(p.loop, "TIMES", strconv.Itoa(times)))
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), "\n")
}

// times is how many prompts one measurement has: what starts processes takes
// long enough with few.
func (h hook) times() int {
	if strings.HasPrefix(h.line, "escenv") || h.line == "" {
		return 500
	}
	return 20
}

// BenchmarkPrompt reports the microseconds that the prompt hooks of each shell
// take at a prompt where nothing has changed: with none, with escenv outside
// any project, inside one, inside with a lease, and with the peers. They take
// turns; the best of all rounds counts.
func BenchmarkPrompt(b *testing.B) {
	h := newHouse(b)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		b.Run(shell, func(b *testing.B) {
			if _, err := exec.LookPath(shell); err != nil {
				b.Skip(err)
			}
			hooks, best := h.hooks(b), map[string]float64{}
			for b.Loop() {
				for _, hook := range hooks {
					us := h.prompt(b, shell, hook.script(shell, hook.times()))
					if least, ok := best[hook.name]; !ok || us < least {
						best[hook.name] = us
					}
				}
			}
			b.ReportMetric(0, "ns/op")
			report(b, best, "µs/prompt")
		})
	}
}

// report gives each contender's figure, and how many times lighter than the
// peers escenv is, with a lease.
func report(b *testing.B, best map[string]float64, unit string) {
	b.Helper()
	for name, us := range best {
		b.ReportMetric(us, name+"-"+unit)
	}
	for _, peer := range []string{"direnv", "mise"} {
		if us, ok := best[peer]; ok {
			b.ReportMetric((us-best["none"])/(best["lease"]-best["none"]), "x-lighter-than-"+peer)
		}
	}
	b.Log(fmt.Sprint(best))
}

func (h *house) prompt(b *testing.B, shell, script string) float64 {
	b.Helper()
	cmd := h.command("/", append(slices.Clone(prompters[shell].argv), script)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	us, bad := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil || bad != nil || us <= 0 {
		b.Fatalf("%s: %v, printed %q\n%s\n%s", shell, err, out, errs.String(), script)
	}
	return us
}
