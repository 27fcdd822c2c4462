package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// A vector is a marked block of the specification.
type vector struct{ kind, name, body string }

// vectors reads the specification: a test that no longer finds its vectors
// must not pass.
func vectors(t *testing.T, kind string) []vector {
	t.Helper()
	text, err := os.ReadFile("../../docs/agent-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []vector
	for _, block := range strings.Split(string(text), "\n```vector ")[1:] {
		head, rest, _ := strings.Cut(block, "\n")
		body, _, closed := strings.Cut(rest, "\n```")
		words := strings.Fields(head)
		if len(words) != 2 || !closed {
			t.Fatalf("a vector begins with %q", head)
		}
		if words[0] == kind {
			found = append(found, vector{words[0], words[1], body})
		}
	}
	if len(found) == 0 {
		t.Fatalf("the specification has no %s vectors", kind)
	}
	return found
}

func TestFramesOfTheSpecification(t *testing.T) {
	want := map[string]error{
		"ok": nil, "empty": wire.ErrFrame, "too-long": wire.ErrFrame, "far-too-long": wire.ErrFrame,
		"cut-short": io.ErrUnexpectedEOF, "no-json": wire.ErrFrame,
	}
	for _, v := range vectors(t, "frame") {
		data, err := hex.DecodeString(strings.Join(strings.Fields(v.body), ""))
		if err != nil {
			t.Fatal(err)
		}
		wanted, known := want[v.name]
		_, err = wire.ReadRequest(bytes.NewReader(data))
		if !known || !errors.Is(err, wanted) {
			t.Errorf("%s: got %v, want %v", v.name, err, wanted)
		}
	}
}

func TestRequestsOfTheSpecification(t *testing.T) {
	refused := map[string]bool{"from-the-future": true}
	for _, v := range vectors(t, "request") {
		var req wire.Request
		understands(t, v, &req)
		if got := req.Check("0.1.0+4f0c") != nil; got != refused[v.name] {
			t.Errorf("%s: refused is %v", v.name, got)
		}
		args := map[wire.Op]any{wire.OpOpen: &wire.OpenArgs{}, wire.OpForget: &wire.ForgetArgs{}, wire.OpRelease: &wire.ReleaseArgs{}}
		if into := args[req.Op]; into != nil && len(req.Args) > 0 {
			understands(t, vector{v.kind, v.name, string(req.Args)}, into)
		}
	}
}

func TestRepliesOfTheSpecification(t *testing.T) {
	for _, v := range vectors(t, "reply") {
		var reply wire.Reply
		understands(t, v, &reply)
		var diags esc.Diagnostics
		if v.name == "diagnostics" && !errors.As(reply.Error.Err(), &diags) {
			t.Errorf("diagnostics came as %v", reply.Error.Err())
		}
	}
}

func TestEventsAndStatusOfTheSpecification(t *testing.T) {
	for _, v := range vectors(t, "event") {
		understands(t, v, &wire.ServeEvent{})
	}
	for _, v := range vectors(t, "status") {
		understands(t, v, &wire.StatusResult{})
	}
}

// TestEveryOperationIsSpecified reads the names of operations from the source.
func TestEveryOperationIsSpecified(t *testing.T) {
	source, err := os.ReadFile("wire.go")
	if err != nil {
		t.Fatal(err)
	}
	specification, err := os.ReadFile("../../docs/agent-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	ops := regexp.MustCompile(`Op = "([^"]+)"`).FindAllSubmatch(source, -1)
	if len(ops) < 15 {
		t.Fatalf("found %d operations", len(ops))
	}
	for _, op := range ops {
		if !bytes.Contains(specification, []byte("\n| `"+string(op[1])+"` |")) {
			t.Errorf("%s is not specified", op[1])
		}
	}
}

func TestOpenResultsOfTheSpecification(t *testing.T) {
	for _, v := range vectors(t, "open-result") {
		result, err := openResult([]byte(v.body))
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		got, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tree(t, v.body), tree(t, string(got))); diff != "" {
			t.Errorf("%s (-specified +ours):\n%s", v.name, diff)
		}
	}
}

// openResult reads an OpenResult, makes an environment of it, and of that an
// OpenResult again.
func openResult(text []byte) (*wire.OpenResult, error) {
	var result wire.OpenResult
	if err := json.Unmarshal(text, &result); err != nil {
		return nil, err
	}
	env, err := result.Environment()
	if err != nil {
		return nil, err
	}
	return wire.FromEnvironment(env)
}

// understands reads a vector and checks that nothing of it is lost.
func understands(t *testing.T, v vector, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(v.body), into); err != nil {
		t.Fatalf("%s: %v", v.name, err)
	}
	got, err := json.Marshal(into)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tree(t, v.body), tree(t, string(got))); diff != "" {
		t.Errorf("%s %s (-specified +ours):\n%s", v.kind, v.name, diff)
	}
}

func tree(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// sameAgain writes a message and reads it back.
func sameAgain[T any](t *testing.T, message T, write func(io.Writer, T) error, read func(io.Reader) (T, error)) {
	t.Helper()
	var w bytes.Buffer
	if err := write(&w, message); err != nil {
		if errors.Is(err, wire.ErrFrame) {
			return // escapes made it longer than it may be
		}
		t.Fatalf("writing %+v: %v", message, err)
	}
	first := w.String()
	again, err := read(&w)
	if err != nil {
		t.Fatalf("reading %q: %v", first, err)
	}
	if err := write(&w, again); err != nil || w.String() != first {
		t.Fatalf("%q was read and written as %q, %v", first, w.String(), err)
	}
}
