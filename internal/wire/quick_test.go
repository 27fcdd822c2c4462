package wire

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
)

// TestRequestsByHandAreJSON reads what was encoded by hand with encoding/json.
func TestRequestsByHandAreJSON(t *testing.T) {
	odd := "a\"b\\c\n\x00é\u2028<"
	for _, args := range []OpenArgs{
		{Refs: []Ref{}},
		{Refs: []Ref{{}}},
		{Refs: []Ref{{Project: "shop", Name: "dev"}}, Hook: true},
		{Refs: []Ref{{Store: "s", Project: odd, Name: odd, Revision: "3"}, {Path: "/" + odd, Digest: "ab"}}, Want: esc.WantPath, Path: odd},
	} {
		req := Request{V: 1, Build: odd, Op: OpOpen, Args: encodeOpenArgs(args)}
		var got Request
		if err := json.Unmarshal(encodeRequest(req), &got); err != nil {
			t.Fatalf("%s: %v", encodeRequest(req), err)
		}
		var gotArgs OpenArgs
		if err := json.Unmarshal(got.Args, &gotArgs); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(args, gotArgs); diff != "" || got.Build != odd || got.V != 1 || got.Op != OpOpen {
			t.Errorf("got %+v, %s", got, diff)
		}
	}
	bare := `{"v":1,"build":"","op":"leave"}`
	if got := string(encodeRequest(Request{V: 1, Op: OpLeave})); got != bare {
		t.Errorf("got %s", got)
	}
}
