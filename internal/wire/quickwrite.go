package wire

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// What prompts wait for is encoded by hand, on both sides: the first use of
// encoding/json by a process costs more than all else that a prompt waits for
// in escenv itself.

// What is set aside for what is encoded, in bytes: what grows by and by costs a
// prompt more.
const (
	usualSize   = 640
	usualResult = 4 << 10
)

// appendRequest appends r as JSON.
func appendRequest(b []byte, r Request) []byte {
	b = strconv.AppendInt(append(b, `{"v":`...), int64(r.V), 10)
	b = appendString(append(b, `,"build":`...), r.Build)
	b = appendString(append(b, `,"op":`...), string(r.Op))
	if len(r.Args) > 0 {
		b = append(append(b, `,"args":`...), r.Args...)
	}
	return append(b, '}')
}

// encodeOpenArgs returns a as JSON.
func encodeOpenArgs(a OpenArgs) []byte {
	b := append(make([]byte, 0, usualSize), `{"refs":[`...)
	for i, ref := range a.Refs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendRef(b, ref)
	}
	b = append(b, `],"want":`...)
	b = strconv.AppendInt(b, int64(a.Want), 10)
	b = appendString(append(b, `,"path":`...), a.Path)
	b = strconv.AppendBool(append(b, `,"hook":`...), a.Hook)
	if a.Holder != 0 {
		b = strconv.AppendInt(append(b, `,"holder":`...), int64(a.Holder), 10)
	}
	return append(b, '}')
}

// ReleaseRequest is what a prompt sends when its shell uses nothing any more.
func ReleaseRequest(build string, holder int) Request {
	args := append(strconv.AppendInt([]byte(`{"holder":`), int64(holder), 10), '}')
	return Request{V: Version, Build: build, Op: OpRelease, Args: args}
}

// Key is the same for arguments that ask for the same, whoever will use it.
func (a OpenArgs) Key() string {
	a.Holder = 0
	return string(encodeOpenArgs(a))
}

func appendRef(b []byte, r esc.Ref) []byte {
	before := byte('{')
	for _, field := range [...]struct{ name, value string }{
		{`"store":`, r.Store},
		{`"project":`, r.Project},
		{`"name":`, r.Name},
		{`"revision":`, r.Revision},
		{`"path":`, r.Path},
		{`"digest":`, r.Digest},
	} {
		if field.value != "" {
			b = appendString(append(append(b, before), field.name...), field.value)
			before = ','
		}
	}
	if before == '{' {
		b = append(b, before)
	}
	return append(b, '}')
}

// appendString appends s as a JSON string. What is not plain is left to those
// who know all the rules.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // strings always can
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// EncodeResult returns the result of an operation as JSON. An OpenResult, which
// prompts wait for, is encoded by hand.
func EncodeResult(result any) (json.RawMessage, error) {
	if r, ok := result.(*OpenResult); ok && r != nil {
		return encodeOpenResult(r)
	}
	return json.Marshal(result)
}

func encodeOpenResult(r *OpenResult) (json.RawMessage, error) {
	b := append(make([]byte, 0, usualResult), `{"name":`...)
	b = append(appendString(b, r.Name), `,"variables":[`...)
	for i, v := range r.Variables {
		b = appendMember(b, i, v.Name, `,"value":`, v.Value, v.Secret, v.Leases)
	}
	b = append(b, ']')
	b = appendFiles(b, r.Files)
	if len(r.Value) > 0 {
		b = append(append(b, `,"value":`...), r.Value...)
	}
	b = appendTexts(b, `,"secrets":`, r.Secrets)
	b = appendTime(b, `,"expires":`, r.Expires)
	b = appendTime(b, `,"renew":`, r.Renew)
	b = appendLeases(b, r.Leases)
	b = appendTexts(b, `,"sources":`, r.Sources)
	b = appendTexts(b, `,"allow":`, r.Allow)
	if r.Quiet {
		b = append(b, `,"quiet":true`...)
	}
	b, err := appendJSON(b, `,"warnings":`, r.Warnings)
	return append(b, '}'), err
}

// appendMember appends element i of a list: a variable or a file.
func appendMember(b []byte, i int, name, content, text string, secret bool, leases []int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	b = appendString(append(b, `{"name":`...), name)
	b = appendString(append(b, content...), text)
	if secret {
		b = append(b, `,"secret":true`...)
	}
	return append(appendIntegers(b, `,"leases":`, leases), '}')
}

// appendFiles appends the files, if there are any.
func appendFiles(b []byte, files []File) []byte {
	if len(files) == 0 {
		return b
	}
	b = append(b, `,"files":[`...)
	for i, f := range files {
		b = appendMember(b, i, f.Name, `,"content":`, f.Content, f.Secret, f.Leases)
	}
	return append(b, ']')
}

// appendLeases appends the leases, if there are any.
func appendLeases(b []byte, leases []Lease) []byte {
	if len(leases) == 0 {
		return b
	}
	b = append(b, `,"leases":[`...)
	for i, l := range leases {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"name":`...), l.Name)
		b = appendTime(b, `,"expires":`, l.Expires)
		b = append(appendTime(b, `,"renew":`, l.Renew), '}')
	}
	return append(b, ']')
}

// appendJSON appends a member that is left out if it is empty, and rare: it
// costs reflection.
func appendJSON[T any](b []byte, member string, list []T) ([]byte, error) {
	if len(list) == 0 {
		return b, nil
	}
	text, err := json.Marshal(list)
	return append(append(b, member...), text...), err
}

// appendIntegers appends a member that is left out if it is empty.
func appendIntegers(b []byte, member string, numbers []int) []byte {
	if len(numbers) == 0 {
		return b
	}
	b = append(b, member...)
	for i, n := range numbers {
		before := byte(',')
		if i == 0 {
			before = '['
		}
		b = strconv.AppendInt(append(b, before), int64(n), 10)
	}
	return append(b, ']')
}

// appendTexts appends a member that is left out if it is empty.
func appendTexts(b []byte, member string, texts []string) []byte {
	if len(texts) == 0 {
		return b
	}
	b = append(b, member...)
	for i, text := range texts {
		before := byte(',')
		if i == 0 {
			before = '['
		}
		b = appendString(append(b, before), text)
	}
	return append(b, ']')
}

// appendTime appends a member that is left out if it is zero.
func appendTime(b []byte, member string, at time.Time) []byte {
	if at.IsZero() {
		return b
	}
	b = append(append(b, member...), '"')
	return append(at.AppendFormat(b, time.RFC3339Nano), '"')
}

// appendReply appends r as JSON.
func appendReply(b []byte, r Reply) ([]byte, error) {
	if r.Error != nil || r.Progress != "" || len(r.Event) > 0 || len(r.Result) == 0 {
		text, err := json.Marshal(r)
		return append(b, text...), err
	}
	b = strconv.AppendInt(append(b, `{"v":`...), int64(r.V), 10)
	b = append(append(b, `,"result":`...), r.Result...)
	return append(b, '}'), nil
}
