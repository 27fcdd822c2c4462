package bench_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// prompts runs a shell that loads a hook, enters a directory, and then calls
// the hook's prompt function TIMES times between two readings of the clock. It
// prints microseconds a call.
var prompts = map[string]struct{ escenv, direnv string }{
	"bash": {
		escenv: `eval "$(escenv hook bash)"; cd "$1"; run() { local f; for f in "${PROMPT_COMMAND[@]}"; do eval "$f"; done; }`,
		direnv: `eval "$(direnv hook bash)"; cd "$1"; run() { _direnv_hook; }`,
	},
	"zsh": {
		escenv: `eval "$(escenv hook zsh)"; cd "$1"; run() { local f; for f in $precmd_functions; do $f; done; }`,
		direnv: `eval "$(direnv hook zsh)"; cd "$1"; run() { _direnv_hook; }`,
	},
	"fish": {
		escenv: `escenv hook fish | source; cd $argv[1]; function run; emit fish_prompt; end`,
		direnv: `direnv hook fish | source; cd $argv[1]; function run; emit fish_prompt; end`,
	},
}

// loops time TIMES calls of run after three to settle.
var loops = map[string]string{
	"bash": `; run; run; run; a=$EPOCHREALTIME; for ((i = 0; i < TIMES; i++)); do run; done; b=$EPOCHREALTIME
		echo $(( (${b/./} - ${a/./}) / TIMES ))`,
	"zsh": `; run; run; run; zmodload zsh/datetime; a=$EPOCHREALTIME; for ((i = 0; i < TIMES; i++)); do run; done
		b=$EPOCHREALTIME; printf '%.0f\n' $(( (b - a) * 1000000 / TIMES ))`,
	"fish": `; run; run; run; set a (date +%s%N); for i in (seq TIMES); run; end; set b (date +%s%N); math -s0 "($b - $a) / 1000 / TIMES"`,
}

// BenchmarkPrompt reports the microseconds a quiet prompt costs in each shell,
// inside an environment, with escenv and with direnv, and how many times
// lighter escenv is.
func BenchmarkPrompt(b *testing.B) {
	h := newHouse(b)
	if _, err := exec.LookPath("direnv"); err == nil {
		h.mustRun(b, h.rc, "direnv", "allow")
	}
	for shell, script := range prompts {
		b.Run(shell, func(b *testing.B) {
			if _, err := exec.LookPath(shell); err != nil {
				b.Skip(err)
			}
			var ours, theirs float64
			for b.Loop() {
				ours = h.prompt(b, shell, script.escenv+strings.ReplaceAll(loops[shell], "TIMES", "500"), h.shop)
				if _, err := exec.LookPath("direnv"); err == nil {
					theirs = h.prompt(b, shell, script.direnv+strings.ReplaceAll(loops[shell], "TIMES", "20"), h.rc)
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ours, "escenv-µs/prompt")
			b.ReportMetric(theirs, "direnv-µs/prompt")
			b.ReportMetric(theirs/ours, "x-lighter")
		})
	}
}

func (h *house) prompt(b *testing.B, shell, script, dir string) float64 {
	b.Helper()
	argv := map[string][]string{
		"bash": {"bash", "--norc", "-c", script, "bench", dir},
		"zsh":  {"zsh", "-f", "-c", script, "bench", dir},
		"fish": {"fish", "--no-config", "-c", script, dir},
	}[shell]
	cmd := h.command("/", argv...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	us, bad := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil || bad != nil || us <= 0 {
		b.Fatalf("%s: %v, printed %q\n%s", shell, err, out, errs.String())
	}
	return us
}
