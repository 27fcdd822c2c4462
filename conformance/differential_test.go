package conformance

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
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
	strictHere     verdict = "refused by escenv on purpose"
	lenientHere    verdict = "accepted by escenv on purpose"
	writtenHere    verdict = "written as other YAML on purpose"
	hiddenHere     verdict = "hidden by escenv on purpose"
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
	for _, v := range []verdict{agreeOpened, agreeRefused, crashedThere, unknownThere, strictHere, lenientHere, writtenHere, hiddenHere, refusedThere, refusedHere, differsValue, differsSecrets, brokenHere} {
		fmt.Fprintf(&b, "; %s: %d (%.1f%%)", v, counts[v], 100*float64(counts[v])/float64(max(all, 1)))
	}
	return b.String()
}

// isDifference reports verdicts that nobody meant.
func isDifference(v verdict) bool {
	switch v {
	case refusedThere, refusedHere, differsValue, differsSecrets, brokenHere:
		return true
	default:
		return false
	}
}

// A rule is something that escenv does otherwise on purpose.
type rule struct {
	verdict verdict
	words   string // how what one of the two says begins; empty if nothing is said
	needs   string // text that is in the definitions
	why     string
}

// rules is all that escenv does otherwise and the generator writes. What it
// does not write has a case in testdata/regressions.
var rules = []rule{
	{strictHere, "the decoded bytes are not UTF-8 text", "fn::fromBase64", "upstream makes a string of bytes that no string can hold, and shows U+FFFD"},
	{strictHere, "the string is not JSON", "fn::fromJSON", "upstream reads the JSON that a text begins with and drops the rest"},
	{strictHere, "environments needs a project and a name", "${environments", "upstream makes an unknown of it and says nothing"},
	{lenientHere, "values must be an object", "", "values: with nothing below is how every definition begins"},
	{lenientHere, "imports must be a list", "", "so is imports:"},
	{lenientHere, "import must be an object", "", "and an import whose options are still to come"},
	{lenientHere, "cyclic reference to ", "${", "upstream computes all of a value to find a part of it, escenv only the part"},
	{lenientHere, "cyclic import of ", "${environments", "a definition may refer to part of another that refers to part of it"},
	{writtenHere, "", "fn::toYAML", "numbers are numbers, not strings in quotes, and a line break at the beginning is kept"},
	{hiddenHere, "", "secret-wrapper", "what a provider says is secret is so all the way down, also below what is secret as a whole"},
	{hiddenHere, "", "fn::split", "the pieces of a secret are secret, also where they are referred to one by one"},
}

// meant reports whether all that is wrong with a question for one of the two
// is on purpose.
func meant(v verdict, q question, said []finding) bool {
	for _, f := range said {
		if !f.Warning && !slices.ContainsFunc(rules, func(r rule) bool {
			return r.verdict == v && r.words != "" && strings.HasPrefix(f.Summary, r.words) && q.has(r.needs)
		}) {
			return false
		}
	}
	return v != hiddenHere && v != writtenHere || slices.ContainsFunc(rules, func(r rule) bool { return r.verdict == v && q.has(r.needs) })
}

// has reports whether a text is in one of the definitions.
func (q question) has(text string) bool {
	for _, definition := range q.Texts {
		if strings.Contains(definition, text) {
			return true
		}
	}
	return false
}

// unquoted is a value without the quotes and line breaks in its strings, also
// where those are base64.
func unquoted(v any) any {
	text := regexp.MustCompile(`[A-Za-z0-9+/]{8,}=*`).ReplaceAllStringFunc(compact(v), func(found string) string {
		if decoded, err := base64.StdEncoding.DecodeString(found); err == nil && utf8.Valid(decoded) {
			return strings.ReplaceAll(string(decoded), "\n", `\n`)
		}
		return found
	})
	for _, quote := range []string{`\n`, `\`, `"`, "'"} {
		text = strings.ReplaceAll(text, quote, "")
	}
	return text
}

// isTwofold reports a key at the top that stands there twice.
func (f finding) isTwofold() bool {
	return strings.HasPrefix(f.Summary, `duplicate key "`) && !strings.HasPrefix(f.Path, "values.")
}

// hides reports whether ours differs from theirs only in what it hides.
func hides(theirs, ours any) bool {
	if ours == "[secret]" {
		return true
	}
	switch theirs := theirs.(type) {
	case map[string]any:
		object, ok := ours.(map[string]any)
		for name := range theirs {
			ok = ok && hides(theirs[name], object[name])
		}
		return ok
	case []any:
		list, ok := ours.([]any)
		ok = ok && len(list) == len(theirs)
		for i := range theirs {
			ok = ok && hides(theirs[i], list[i])
		}
		return ok
	default:
		return difference("", theirs, ours) == ""
	}
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
	case theirs.wrong() && meant(lenientHere, q, theirs.Findings):
		return lenientHere, ""
	case theirs.wrong():
		return refusedThere, fmt.Sprint(theirs.Findings)
	case ours.wrong() && strings.Contains(compact(theirs.Revealed), "[unknown]"):
		return unknownThere, fmt.Sprint(ours.Findings) // it opens what it could not compute
	case ours.wrong() && slices.ContainsFunc(ours.Findings, finding.isTwofold):
		return strictHere, "" // upstream takes one of the two
	case ours.wrong() && meant(strictHere, q, ours.Findings):
		return strictHere, ""
	case ours.wrong():
		return refusedHere, fmt.Sprint(ours.Findings)
	}
	if theirs.None {
		theirs.Revealed, theirs.Redacted = map[string]any{}, map[string]any{}
	}
	if d := difference("values", theirs.Revealed, ours.Revealed); d != "" {
		if meant(writtenHere, q, nil) && difference("", unquoted(theirs.Revealed), unquoted(ours.Revealed)) == "" {
			return writtenHere, ""
		}
		return differsValue, d
	}
	if d := difference("values", theirs.Redacted, ours.Redacted); d != "" {
		if meant(hiddenHere, q, nil) && hides(theirs.Redacted, ours.Redacted) {
			return hiddenHere, d
		}
		return differsSecrets, d
	}
	return agreeOpened, ""
}
