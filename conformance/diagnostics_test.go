package conformance

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the differences there are into testdata/diagnostics.txt, without reasons")

// diagnosticsFile lists where escenv's diagnostics differ from those that
// upstream's suite expects, and why they are better: first the reasons, then
// the differences.
const diagnosticsFile = "testdata/diagnostics.txt"

// identical is how many cases have the same diagnostics to the letter: the
// others are listed.
const identical = 31

// TestDiagnostics compares summaries, severities, ranges and paths. Whatever
// is different has to be listed with a reason, and whatever is listed has to
// be different.
func TestDiagnostics(t *testing.T) {
	reasons, listed := readDifferences(t)
	var found []string
	same := 0
	for _, c := range suite(t) {
		differences := caseDifferences(t, c)
		if len(differences) == 0 {
			same++
		}
		found = append(found, differences...)
	}
	t.Logf("diagnostics: %d of %d cases are identical, %d have differences that are listed, with %d reasons", same, suiteSize, suiteSize-same, len(reasons))
	if *update {
		writeDifferences(t, found, listed)
		return
	}
	if same != identical {
		t.Errorf("%d cases are identical, want %d", same, identical)
	}
	for _, f := range found {
		if reasons[listed[f]] == "" {
			t.Errorf("not listed, or without a reason: %s", f)
		}
		delete(listed, f)
	}
	for f := range listed {
		t.Errorf("listed, but not there: %s", f)
	}
}

// caseDifferences describes how the diagnostics of a case differ: where, in
// what, when it is checked, opened or rotated, and how often.
func caseDifferences(t *testing.T, c suiteCase) []string {
	var order []string
	modes := map[string][]string{}
	say := func(mode string, want []finding, check, rotate bool) {
		q := c.question
		q.Check, q.Rotate = check, rotate
		got, err := askOurs(context.Background(), q)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, d := range findingDifferences(want, got.Findings) {
			if modes[d] == nil {
				order = append(order, d)
			}
			modes[d] = append(modes[d], mode)
		}
	}
	say("check", findings(c.expected.LoadDiags, c.expected.CheckDiags), true, false)
	say("open", findings(c.expected.LoadDiags, c.expected.EvalDiags), false, false)
	if c.question.Rotate {
		say("rotate", findings(c.expected.LoadDiags, c.expected.RotateDiags), false, true)
	}
	out := make([]string, len(order))
	for i, d := range order {
		out[i] = fmt.Sprintf("%s | %s | %s", c.name, d, strings.Join(modes[d], " "))
	}
	return out
}

// findingDifferences pairs what is said about the same line and path.
func findingDifferences(want, got []finding) []string {
	var out []string
	got = slices.Clone(got)
	var left []finding
	for _, theirs := range want { // those that agree go first
		if i := slices.IndexFunc(got, func(ours finding) bool { return len(differsIn(theirs, ours)) == 0 }); i >= 0 {
			got = slices.Delete(got, i, i+1)
		} else {
			left = append(left, theirs)
		}
	}
	for _, theirs := range left {
		at := theirs.where()
		i := slices.IndexFunc(got, func(ours finding) bool {
			return theirs.Line == ours.Line && theirs.Path == ours.Path && theirs.File == ours.File
		})
		if i < 0 {
			out = append(out, at+" | only upstream")
			continue
		}
		out = append(out, at+" | "+strings.Join(differsIn(theirs, got[i]), ", "))
		got = slices.Delete(got, i, i+1)
	}
	for _, ours := range got {
		out = append(out, ours.where()+" | only escenv")
	}
	return out
}

// differsIn says what of two diagnostics is different.
func differsIn(theirs, ours finding) []string {
	var out []string
	for _, property := range []struct {
		name string
		same bool
	}{
		{"place", theirs.File == ours.File && theirs.Line == ours.Line && theirs.Path == ours.Path},
		{"column", theirs.Column == ours.Column},
		{"end", theirs.EndLine == ours.EndLine && theirs.End == ours.End},
		{"severity", theirs.Warning == ours.Warning},
		{"words", theirs.Summary == ours.Summary},
	} {
		if !property.same {
			out = append(out, property.name)
		}
	}
	return out
}

// readDifferences returns the reasons by key, and the keys of the differences.
func readDifferences(t *testing.T) (reasons, listed map[string]string) {
	t.Helper()
	text, err := os.ReadFile(diagnosticsFile)
	if err != nil {
		t.Fatal(err)
	}
	reasons, listed = map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		i := strings.LastIndex(line, " | ")
		key, reason, isReason := strings.Cut(line, ": ")
		switch {
		case line == "" || line[0] == '#':
		case i >= 0:
			listed[line[:i]] = line[i+3:]
		case isReason:
			reasons[key] = reason
		default:
			t.Fatalf("%q is neither a reason nor a difference", line)
		}
	}
	return reasons, listed
}

// writeDifferences keeps everything up to the list, and the reasons in it.
func writeDifferences(t *testing.T, found []string, listed map[string]string) {
	t.Helper()
	old, err := os.ReadFile(diagnosticsFile)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "# case | where | in what | when | reason\n"
	head, _, _ := bytes.Cut(old, []byte(mark))
	b := bytes.NewBuffer(append(head, mark...))
	for _, f := range found {
		fmt.Fprintf(b, "%s | %s\n", f, listed[f])
	}
	if err := os.WriteFile(diagnosticsFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// where is the line and the path of a finding.
func (f finding) where() string {
	return strings.TrimSpace(fmt.Sprintf("%s:%d %s", f.File, f.Line, f.Path))
}
