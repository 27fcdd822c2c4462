package conformance

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
)

var (
	count    = flag.Int("definitions", 3000, "how many sets of definitions to generate")
	from     = flag.Uint64("seed", 1, "the first seed")
	failures = flag.Int("failures", 10, "stop after so many differences")
)

// A verdict is how the two evaluators stand to each other.
type verdict string

const (
	agreeOpened    verdict = "opened alike"
	agreeRefused   verdict = "refused by both"
	crashedThere   verdict = "upstream crashed"
	unknownThere   verdict = "unknown to upstream, refused by escenv"
	refusedThere   verdict = "refused by upstream alone"
	refusedHere    verdict = "refused by escenv alone"
	differsValue   verdict = "values differ"
	differsSecrets verdict = "secrets differ"
	brokenHere     verdict = "escenv failed"
)

// TestDifferential has both evaluators answer generated questions.
//
//	go test -run TestDifferential -definitions 200000 -seed 1
func TestDifferential(t *testing.T) {
	var mu sync.Mutex
	counts, found := map[verdict]int{}, 0
	var group sync.WaitGroup
	const workers = 2
	for worker := range workers {
		group.Go(func() {
			r := newReferee()
			defer r.stop()
			for i := worker; i < *count; i += workers {
				seed := *from + uint64(i)
				q := generate(seed)
				v, why := compare(r, q)
				mu.Lock()
				counts[v]++
				enough := found >= *failures
				if isDifference(v) {
					found++
				}
				mu.Unlock()
				if enough {
					return
				}
				if isDifference(v) {
					t.Errorf("seed %d: %s: %s\n%s", seed, v, why, smallest(r, q, v))
				}
			}
		})
	}
	group.Wait()
	t.Log(summary(counts))
}

func summary(counts map[verdict]int) string {
	all := 0
	for _, n := range counts {
		all += n
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d sets of definitions from seed %d", all, *from)
	for _, v := range []verdict{agreeOpened, agreeRefused, unknownThere, crashedThere, refusedThere, refusedHere, differsValue, differsSecrets, brokenHere} {
		fmt.Fprintf(&b, "; %s: %d (%.1f%%)", v, counts[v], 100*float64(counts[v])/float64(max(all, 1)))
	}
	return b.String()
}

func isDifference(v verdict) bool {
	return v != agreeOpened && v != agreeRefused && v != unknownThere && v != crashedThere
}

// compare asks both, and says what is different.
func compare(r *referee, q question) (verdict, string) {
	ours, err := r.escenv.ask(q)
	if err != nil {
		return brokenHere, err.Error()
	}
	theirs, err := r.upstream.ask(q)
	switch {
	case errors.Is(err, errCrashed):
		return crashedThere, ""
	case err != nil:
		return brokenHere, "upstream: " + err.Error()
	case theirs.wrong() && ours.wrong():
		return agreeRefused, ""
	case theirs.wrong():
		return refusedThere, fmt.Sprint(theirs.Findings)
	case ours.wrong() && strings.Contains(compact(theirs.Revealed), "[unknown]"):
		return unknownThere, fmt.Sprint(ours.Findings) // it opens what it could not compute
	case ours.wrong():
		return refusedHere, fmt.Sprint(ours.Findings)
	}
	if theirs.None {
		theirs.Revealed, theirs.Redacted = map[string]any{}, map[string]any{}
	}
	if d := difference("values", theirs.Revealed, ours.Revealed); d != "" {
		return differsValue, d
	}
	if d := difference("values", theirs.Redacted, ours.Redacted); d != "" {
		return differsSecrets, d
	}
	return agreeOpened, ""
}
