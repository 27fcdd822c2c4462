package wire

import (
	"encoding/json"
	"strconv"

	"github.com/escenv/escenv/internal/esc"
)

// Requests are encoded by hand: the first use of encoding/json by a process
// costs more than all else that a prompt waits for in escenv itself.

// encodeRequest returns r as JSON.
func encodeRequest(r Request) []byte {
	b := strconv.AppendInt([]byte(`{"v":`), int64(r.V), 10)
	b = appendString(append(b, `,"build":`...), r.Build)
	b = appendString(append(b, `,"op":`...), string(r.Op))
	if len(r.Args) > 0 {
		b = append(append(b, `,"args":`...), r.Args...)
	}
	return append(b, '}')
}

// encodeOpenArgs returns a as JSON.
func encodeOpenArgs(a OpenArgs) []byte {
	b := []byte(`{"refs":[`)
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
	return append(b, '}')
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
