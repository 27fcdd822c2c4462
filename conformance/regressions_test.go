package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestRegressions runs testdata/regressions/*.txtar: differences that were
// found once, each with the definitions, of which p/root is opened, and the
// verdict. Some stay different on purpose; their comment says why.
func TestRegressions(t *testing.T) {
	files, err := filepath.Glob("testdata/regressions/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	r := newReferee()
	defer r.stop()
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runRegression(t, r, file) })
	}
}

func runRegression(t *testing.T, r *referee, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	q := question{Root: "p/root", Texts: map[string]string{}}
	last := len(archive.Files) - 1
	for _, f := range archive.Files[:last] {
		q.Texts[strings.TrimSuffix(f.Name, ".yaml")] = string(f.Data)
	}
	q.Text = q.Texts["p/root"]
	got := outcome(t, r, q)
	if *update {
		archive.Files[last].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(archive.Files[last].Data), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// outcome is the verdict, and what comes out.
func outcome(t *testing.T, r *referee, q question) string {
	t.Helper()
	v, _ := compare(r, q)
	text := string(v) + "\n"
	ours, err := r.escenv.ask(q)
	if err != nil {
		t.Fatal(err)
	}
	text += "escenv: " + brief(ours)
	if v == agreeOpened {
		return text
	}
	theirs, err := r.upstream.ask(q)
	if err != nil {
		return text + "upstream: it crashes\n"
	}
	return text + "upstream: " + brief(theirs)
}

// brief is the values, or if there are errors, where they stand: what they say
// is for other tests.
func brief(a answer) string {
	if !a.wrong() {
		return compact(a.Redacted) + "\n"
	}
	var places []string
	for _, f := range a.Findings {
		if !f.Warning {
			places = append(places, fmt.Sprintf("error at %s:%d:%d", f.File, f.Line, f.Column))
		}
	}
	return strings.Join(places, ", ") + "\n"
}
