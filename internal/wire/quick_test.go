package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/escenv/escenv/internal/esc"
)

// TestRequestsByHandAreJSON reads what was encoded by hand with encoding/json.
func TestRequestsByHandAreJSON(t *testing.T) {
	odd := "a\"b\\c\n\x00é\u2028<"
	for _, args := range []OpenArgs{
		{Refs: []Ref{}},
		{Refs: []Ref{{}}},
		{Refs: []Ref{{Project: "shop", Name: "dev"}}, Hook: true, Holder: 4242},
		{Refs: []Ref{{Store: "s", Project: odd, Name: odd, Revision: "3"}, {Path: "/" + odd, Digest: "ab"}}, Want: esc.WantPath, Path: odd},
	} {
		req := Request{V: 1, Build: odd, Op: OpOpen, Args: encodeOpenArgs(args)}
		var got Request
		if err := json.Unmarshal(appendRequest(nil, req), &got); err != nil {
			t.Fatalf("%s: %v", appendRequest(nil, req), err)
		}
		var gotArgs OpenArgs
		if err := json.Unmarshal(got.Args, &gotArgs); err != nil {
			t.Fatal(err)
		}
		if byHand, err := DecodeArgs[OpenArgs](got.Args); err != nil || !cmp.Equal(byHand, gotArgs, cmpopts.EquateEmpty()) {
			t.Errorf("read by hand: %+v, %v", byHand, err)
		}
		if diff := cmp.Diff(args, gotArgs); diff != "" || got.Build != odd || got.V != 1 || got.Op != OpOpen {
			t.Errorf("got %+v, %s", got, diff)
		}
	}
	if args, err := DecodeArgs[ReleaseArgs](ReleaseRequest("test", 4242).Args); err != nil || args.Holder != 4242 {
		t.Errorf("got %+v, %v", args, err)
	}
	bare := `{"v":1,"build":"","op":"leave"}`
	if got := string(appendRequest(nil, Request{V: 1, Op: OpLeave})); got != bare {
		t.Errorf("got %s", got)
	}
}

// TestRepliesAreReadAsTheyWereWritten writes with encoding/json and reads token
// by token.
func TestRepliesAreReadAsTheyWereWritten(t *testing.T) {
	odd := "a\"b\\c\n\x00é\u2028<\U0001F600"
	at := time.Date(2026, 11, 23, 15, 2, 1, 5e8, time.UTC)
	result := OpenResult{
		Name: odd, Variables: []Variable{{Name: "A", Value: odd, Secret: true, Leases: []int{0, 1}}, {Name: "B"}}, Value: json.RawMessage(`{"list":[{"text":"x"}]}`),
		Files:  []File{{Name: "C", Content: odd, Secret: true, Leases: []int{1}}},
		Leases: []Lease{{Name: odd, Expires: at, Renew: at}, {Name: "l"}}, Quiet: true,
		Secrets: []string{odd, "b"}, Expires: at, Renew: at.Add(-time.Minute), Sources: []string{"/a"}, Allow: []string{"PATH"},
		Warnings: []esc.Diagnostic{{Position: esc.Position{File: "a", Line: 1, Column: 2}, Summary: "odd", Warning: true}},
	}
	for _, want := range []OpenResult{result, {Name: "bare"}, {}} {
		body, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		byHand, err := EncodeResult(&want)
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range [][]byte{body, byHand} {
			var got OpenResult
			if err := decodeOpenResult(body, &got); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
	}
	for _, want := range []Reply{
		{V: 1, Result: json.RawMessage(`{"name":"shop/dev"}`)},
		{V: 1, Progress: odd},
		{V: 2, Error: &Error{Kind: esc.Refused, Summary: odd, Hint: "h", Diagnostics: result.Warnings}},
	} {
		body, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		byHand, err := appendReply(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range [][]byte{body, byHand} {
			if got, err := decodeReply(body); err != nil || !cmp.Equal(want, got) {
				t.Errorf("%v\n%s", err, cmp.Diff(want, got))
			}
		}
	}
}

// FuzzDecode reads anything: what it refuses is a malformed frame, and what it
// takes, encoding/json reads alike once it is written again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `{"v":1}`, `{"v":"1"}`, `{"v":1}{`, `{"name":"a","name":"b"}`, `{"variables":[{"name":"A","value":1}]}`,
		`{"secrets":null,"expires":"2026-11-23T15:02:01Z"}`, `{"expires":"soon"}`, `{"files":[{"name":"A","content":"x","secret":true,"leases":[1]}],"leases":[{"name":"l","expires":"2026-11-23T15:02:01Z"}]}`, "{\"name\":\"\xff\"}", `{"variables":{}}`, `{"v":1e9}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := decodeReply(bytes.Clone(body)); err != nil && !errors.Is(err, ErrFrame) {
			t.Errorf("%q: %v", body, err)
		}
		var once, twice OpenResult
		if err := decodeOpenResult(bytes.Clone(body), &once); err != nil {
			if !errors.Is(err, ErrFrame) {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		written, err := json.Marshal(once)
		if err != nil {
			return // a time encoding/json does not write
		}
		if err := json.Unmarshal(written, &twice); err != nil || !cmp.Equal(once, twice, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(OpenResult{}, "Value", "Warnings")) {
			t.Errorf("%q: %v\n%s", body, err, cmp.Diff(once, twice, cmpopts.EquateEmpty()))
		}
	})
}
