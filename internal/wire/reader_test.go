package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// readAll reads a document of any fields, with all that is in it.
func readAll(body string) error {
	return readDocument([]byte(body), func(_ []byte, in *reader) { in.skip() })
}

// documents are JSON and what is nearly JSON.
var documents = []string{
	``, ` `, `null`, `nul`, `nulls`, `{}`, " {\t}\r\n", `{} {}`, `[]`, `1`, `"a"`, "{}\x00", "\x00", "\ufeff{}",
	`{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":1`, `{"a`, `{"a\`, `{"`, `{"a":"\"}`,
	`{"a":[1,2,[3],{"b":null}]}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1}`, `{"a":[1 2]}`, `{"a":]}`,
	`{"a":0}`, `{"a":-0}`, `{"a":00}`, `{"a":01}`, `{"a":-}`, `{"a":+1}`, `{"a":1.}`, `{"a":.5}`, `{"a":1.5e+3}`, `{"a":1e}`, `{"a":1E-}`, `{"a":0x1}`, `{"a": -1.0E-2 }`,
	`{"a":true,"b":false,"c":null}`, `{"a":True}`, `{"a":tru}`, `{"a":true1}`, `{"a":fals`,
	`{"a":"\"\\\/\b\f\n\r\t"}`, `{"a":"\u00e9\ud83d\ude00"}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u123g"}`, `{"a":"\u+123"}`, "{\"a\":\"\n\"}", "{\"a\":\"\\\n\"}", "{\"\\n\":1}", "{\"a\x1f\":1}",
	"{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\x7f\u2028\"}",
}

func TestTheReaderReadsWhatIsJSON(t *testing.T) {
	for _, body := range documents {
		kind := strings.TrimLeft(body, " \t\r\n")
		want := json.Valid([]byte(body)) && utf8.ValidString(body) && (strings.HasPrefix(kind, "{") || strings.HasPrefix(kind, "n"))
		if err := readAll(body); (err == nil) != want {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestTheReaderReadsNoHalfCharacters(t *testing.T) {
	for _, body := range []string{`{"a":"\ud83d"}`, `{"a":"\ude00"}`, `{"a":"\ud83dx"}`, `{"a":"\ud83d\n"}`, `{"a":"\ude00\ud83d"}`, `{"a":"\ud83d\u0041"}`, `{"\ud83d":1}`} {
		if readAll(body) == nil {
			t.Errorf("%s was read", body)
		}
	}
}

func TestTheReaderEndsSomewhere(t *testing.T) {
	nested := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}" }
	if err := readAll(nested(maxDepth - 1)); err != nil {
		t.Error(err)
	}
	for _, body := range []string{nested(maxDepth), `{"a":` + strings.Repeat("[", MaxReply), strings.Repeat(`{"a":`, 1<<20)} {
		if readAll(body) == nil {
			t.Errorf("%d bytes were read", len(body))
		}
	}
}

func TestTextIsReadAsEncodingJSONReadsIt(t *testing.T) {
	for _, body := range append(documents, `{"a":"\uFFFD\u0000\uABCDé"}`, `{"a":"x","a":"y"}`, `{"\u0061":"z"}`) {
		var want struct {
			A string `json:"a"`
		}
		var got string
		err := readDocument([]byte(body), func(name []byte, in *reader) {
			if string(name) == "a" {
				got = in.text()
			} else {
				in.skip()
			}
		})
		if err == nil && (json.Unmarshal([]byte(body), &want) != nil || got != want.A) {
			t.Errorf("%s: got %q, want %q", body, got, want.A)
		}
	}
}

// FuzzReader reads anything: what it takes is JSON, and what it refuses is not,
// but for halves of characters, which JSON can write and nobody can use.
func FuzzReader(f *testing.F) {
	for _, seed := range documents {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		valid := json.Valid([]byte(body)) && utf8.ValidString(body)
		switch err := readAll(body); {
		case err == nil && !valid:
			t.Errorf("%q was read", body)
		case err != nil && valid && strings.HasPrefix(body, "{") && !strings.Contains(body, `\u`) && strings.Count(body, "[")+strings.Count(body, "{") < maxDepth:
			t.Errorf("%q: %v", body, err)
		}
	})
}
