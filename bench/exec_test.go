package bench_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// A stage is where a contender's streams go.
type stage int

const (
	piped stage = iota // stdout and stderr are one pipe that is read
	onPty              // it leads a session on a terminal that is read
)

// stageOf says where exec's contenders have to be for the mode they are named
// after.
var stageOf = map[string]stage{"empty-pty": onPty, "exec-pty": onPty, "exec-output": onPty, "exec-shared": onPty}

// run runs a contender until all it wrote is read, and returns how long that
// took and how much it was.
func (h *house) run(b *testing.B, c contender, on stage) (time.Duration, int64) {
	b.Helper()
	cmd := h.command(c.dir, c.argv...)
	cmd.Env = append(cmd.Env, c.env...)
	start := time.Now()
	var n int64
	var err error
	if on == onPty {
		var master *os.File
		if master, err = pty.Start(cmd); err == nil {
			n, _ = io.Copy(io.Discard, master) // ends with an error when the terminal closes
			master.Close()
			err = cmd.Wait()
		}
	} else {
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err = cmd.Run()
		n = int64(out.Len())
	}
	if err != nil {
		b.Fatalf("%s: %v", c.name, err)
	}
	return time.Since(start), n
}

// BenchmarkExec starts each of exec's modes, and what else there is for the
// same job, round after round, and reports how many times an empty Go program's
// time each takes.
func BenchmarkExec(b *testing.B) {
	h := newHouse(b)
	contenders := []contender{{name: "empty", argv: []string{"empty"}}, {name: "true", argv: []string{"/bin/true"}}, {name: "empty-pty", argv: []string{"empty"}}}
	for name, flags := range map[string]string{
		"exec-replace": "--replace", "exec-piped": "", "exec-pty": "",
		"exec-output": "--tty=output", "exec-shared": "--no-mask --timeout 1h",
	} {
		argv := append([]string{"escenv", "exec"}, strings.Fields(flags)...)
		contenders = append(contenders, contender{name: name, argv: append(argv, "--", "/bin/true")})
	}
	contenders = append(contenders, h.peers(b)...)
	times := map[string][]time.Duration{}
	for b.Loop() {
		for _, c := range contenders {
			if c.dir == "" {
				c.dir = h.shop
			}
			took, _ := h.run(b, c, stageOf[c.name])
			times[c.name] = append(times[c.name], took)
		}
	}
	b.ReportMetric(0, "ns/op") // the sum of them all says nothing
	base := summary(times["empty"])
	for _, c := range contenders {
		s := summary(times[c.name])
		tellf("%-17s best %7.3f ms (%5.2fx)   median %7.3f ms (%5.2fx)", c.name,
			s.best.Seconds()*1e3, ratio(s.best, base.best), s.median.Seconds()*1e3, ratio(s.median, base.median))
		b.ReportMetric(ratio(s.best, base.best), c.name+"/empty")
	}
}

// tellf prints a line, of which a benchmark's own log takes but ten.
func tellf(format string, args ...any) { fmt.Fprintf(os.Stderr, "    "+format+"\n", args...) }

// A key pair of age's own documentation of its format, for sops.
const (
	ageKey       = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
	ageRecipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
)

// notHere are tools for the same job that the bench says it does without. None
// is to be had from Go's module proxy, which refuses them, or a module they
// need, with 403 Forbidden.
var notHere = map[string]string{
	"aws-vault": "github.com/99designs/aws-vault/v7",
	"chamber":   "github.com/segmentio/chamber/v3",
	"esc":       "github.com/pulumi/pulumi/pkg/v3, which github.com/pulumi/esc needs",
}

// peers prepares those of the other tools that are here: sops with the same
// variables in a file of its own. .ci/tools builds it.
func (h *house) peers(b *testing.B) []contender {
	b.Helper()
	for name, module := range notHere {
		tellf("no %s: the module proxy refuses %s", name, module)
	}
	sops, err := filepath.Abs("../.cache/tools/sops")
	if _, missing := os.Stat(sops); err != nil || missing != nil {
		tellf("no sops: .ci/tools sops builds it")
		return nil
	}
	plain := filepath.Join(h.shop, "plain.json")
	h.write(b, plain, `{"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", "LOG_LEVEL": "debug"}`)
	encrypt := exec.Command(sops, "encrypt", "--age", ageRecipient, plain)
	text, err := encrypt.Output()
	if err != nil {
		b.Fatalf("sops encrypt: %v", err)
	}
	h.write(b, filepath.Join(h.shop, "sops.json"), string(text))
	exec := []string{sops, "exec-env", "sops.json", "/bin/true"}
	return []contender{
		{name: "sops-exec-env", argv: exec, env: []string{"SOPS_AGE_KEY=" + ageKey}},
		{name: "sops-same-process", argv: slices.Insert(slices.Clone(exec), 2, "--same-process"), env: []string{"SOPS_AGE_KEY=" + ageKey}},
	}
}

// relaying says that this program is to be a relay: see relay.
const relaying = "BENCH_RELAY"

// relay runs a command on a terminal and copies what it writes, as a program
// does that knows nothing but creack/pty's first example.
func relay(args []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	master, err := pty.Start(cmd)
	if err != nil {
		return 1
	}
	_, _ = io.Copy(os.Stdout, master) // ends with an error when the terminal closes
	if cmd.Wait() != nil {
		return 1
	}
	return 0
}

func TestMain(m *testing.M) {
	if os.Getenv(relaying) != "" {
		os.Exit(relay(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// BenchmarkExecThroughput prints ordinary build output to a terminal, through
// nothing, through a relay, through a pty of ours that masks nothing, and
// through one that masks.
func BenchmarkExecThroughput(b *testing.B) {
	h := newHouse(b)
	file := filepath.Join(h.shop, "build.log")
	var log strings.Builder
	for i := 0; log.Len() < 8<<20; i++ {
		fmt.Fprintf(&log, "[%6d/400000] compiling src/lib/component_%d/module_%d.c with -O2 -Wall -Wextra -DNDEBUG=1 to build/obj/%d.o\n", i, i%97, i, i)
	}
	h.write(b, file, log.String())
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	contenders := []contender{
		{name: "plain", argv: []string{"cat", file}},
		{name: "relay", argv: []string{self, "cat", file}, env: []string{relaying + "=1"}},
		{name: "unmasked", argv: []string{"escenv", "exec", "--tty=always", "--mask=never", "--", "cat", file}},
		{name: "masked", argv: []string{"escenv", "exec", "--mask=always", "--", "cat", file}},
		{name: "output", argv: []string{"escenv", "exec", "--tty=output", "--", "cat", file}},
	}
	speeds := map[string][]float64{}
	for b.Loop() {
		for _, c := range contenders {
			c.dir = h.shop
			took, n := h.run(b, c, onPty)
			if n < int64(log.Len()) {
				b.Fatalf("%s: %d bytes of %d", c.name, n, log.Len())
			}
			speeds[c.name] = append(speeds[c.name], float64(log.Len())/1e6/took.Seconds())
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, c := range contenders {
		slices.Sort(speeds[c.name])
		b.ReportMetric(speeds[c.name][len(speeds[c.name])-1], c.name+"-MB/s")
	}
	best := func(name string) float64 { return speeds[name][len(speeds[name])-1] }
	middle := func(name string) float64 { return speeds[name][len(speeds[name])/2] }
	b.ReportMetric(best("masked")/best("unmasked"), "masked/unmasked")
	b.ReportMetric(middle("masked")/middle("unmasked"), "masked/unmasked-median")
}
