package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/escenv/escenv/internal/esc"
)

// Replies are read token by token, by a library that does not reflect, for the
// same reason: encoding/json takes longer to learn a type than to read it.

// decodeReply reads a Reply. What is rare in it is left to encoding/json.
func decodeReply(body []byte) (reply Reply, err error) {
	err = readDocument(body, func(name string, in *reader) {
		switch name {
		case "v":
			reply.V = in.integer()
		case "progress":
			reply.Progress = in.text()
		case "event":
			reply.Event = in.raw()
		case "result":
			reply.Result = in.raw()
		case "error":
			in.other(&reply.Error)
		default:
			in.skip()
		}
	})
	return reply, err
}

// decodeRequest reads a Request.
func decodeRequest(body []byte) (req Request, err error) {
	err = readDocument(body, func(name string, in *reader) {
		switch name {
		case "v":
			req.V = in.integer()
		case "build":
			req.Build = in.text()
		case "op":
			req.Op = Op(in.text())
		case "args":
			req.Args = in.raw()
		default:
			in.skip()
		}
	})
	return req, err
}

// decodeOpenArgs reads OpenArgs.
func decodeOpenArgs(body []byte, args *OpenArgs) error {
	return readDocument(body, func(name string, in *reader) {
		switch name {
		case "refs":
			in.list(func() { args.Refs = append(args.Refs, in.ref()) })
		case "want":
			args.Want = esc.Want(in.integer())
		case "path":
			args.Path = in.text()
		case "hook":
			args.Hook = in.boolean()
		case "holder":
			args.Holder = in.integer()
		default:
			in.skip()
		}
	})
}

// decodeOpenResult reads an OpenResult into what into points to.
func decodeOpenResult(body []byte, into any) error {
	result := into.(*OpenResult)
	return readDocument(body, func(name string, in *reader) {
		switch name {
		case "name":
			result.Name = in.text()
		case "variables":
			in.list(func() { result.Variables = append(result.Variables, in.variable()) })
		case "files":
			in.list(func() { result.Files = append(result.Files, in.file()) })
		case "value":
			result.Value = in.raw()
		case "secrets":
			result.Secrets = in.texts()
		case "expires":
			result.Expires = in.time()
		case "renew":
			result.Renew = in.time()
		case "leases":
			in.list(func() { result.Leases = append(result.Leases, in.lease()) })
		case "sources":
			result.Sources = in.texts()
		case "allow":
			result.Allow = in.texts()
		case "quiet":
			result.Quiet = in.boolean()
		case "warnings":
			in.other(&result.Warnings)
		default:
			in.skip()
		}
	})
}

// A reader reads JSON and remembers the first thing that is not what it should
// be; from then on it reads nothing.
type reader struct {
	d   *jsontext.Decoder
	err error
}

// readDocument reads one JSON object and nothing behind it. Errors do not say
// what was read: it may be secret.
func readDocument(body []byte, field func(name string, in *reader)) error {
	in := &reader{d: jsontext.NewDecoder(bytes.NewBuffer(body))}
	in.object(field)
	if in.err == nil && len(bytes.TrimSpace(body[in.d.InputOffset():])) > 0 {
		in.err = errNotJSON
	}
	return in.err
}

// token reads the next token, which must be of a kind.
func (in *reader) token(kind jsontext.Kind) jsontext.Token {
	if in.err != nil {
		return jsontext.Null
	}
	token, err := in.d.ReadToken()
	if err != nil || token.Kind() != kind {
		in.err = errNotJSON
		return jsontext.Null
	}
	return token
}

// begin reads how an object or list opens and reports whether one did. Null
// stands for an empty one.
func (in *reader) begin(open jsontext.Kind) bool {
	if in.err == nil && in.d.PeekKind() == 'n' {
		in.token('n')
		return false
	}
	in.token(open)
	return in.err == nil
}

func (in *reader) object(field func(name string, in *reader)) {
	if !in.begin('{') {
		return
	}
	for in.err == nil && in.d.PeekKind() == '"' {
		field(in.text(), in)
	}
	in.token('}')
}

func (in *reader) list(element func()) {
	if !in.begin('[') {
		return
	}
	for in.err == nil && in.d.PeekKind() != ']' {
		element()
	}
	in.token(']')
}

func (in *reader) texts() (texts []string) {
	in.list(func() { texts = append(texts, in.text()) })
	return texts
}

func (in *reader) variable() (v Variable) {
	in.object(func(name string, in *reader) {
		switch name {
		case "name":
			v.Name = in.text()
		case "value":
			v.Value = in.text()
		case "secret":
			v.Secret = in.boolean()
		case "leases":
			v.Leases = in.integers()
		default:
			in.skip()
		}
	})
	return v
}

func (in *reader) file() (f File) {
	in.object(func(name string, in *reader) {
		switch name {
		case "name":
			f.Name = in.text()
		case "content":
			f.Content = in.text()
		case "secret":
			f.Secret = in.boolean()
		case "leases":
			f.Leases = in.integers()
		default:
			in.skip()
		}
	})
	return f
}

func (in *reader) lease() (l Lease) {
	in.object(func(name string, in *reader) {
		switch name {
		case "name":
			l.Name = in.text()
		case "expires":
			l.Expires = in.time()
		case "renew":
			l.Renew = in.time()
		default:
			in.skip()
		}
	})
	return l
}

func (in *reader) integers() (numbers []int) {
	in.list(func() { numbers = append(numbers, in.integer()) })
	return numbers
}

func (in *reader) ref() (r esc.Ref) {
	fields := map[string]*string{
		"store": &r.Store, "project": &r.Project, "name": &r.Name, "revision": &r.Revision, "path": &r.Path, "digest": &r.Digest,
	}
	in.object(func(name string, in *reader) {
		if field, ok := fields[name]; ok {
			*field = in.text()
		} else {
			in.skip()
		}
	})
	return r
}

func (in *reader) text() string { return in.token('"').String() }

func (in *reader) integer() int {
	n, err := strconv.Atoi(in.token('0').String())
	if err != nil && in.err == nil {
		in.err = errNotJSON
	}
	return n
}

func (in *reader) boolean() bool {
	if in.err == nil && in.d.PeekKind() == 't' {
		in.token('t')
		return in.err == nil
	}
	in.token('f')
	return false
}

func (in *reader) time() time.Time {
	at, err := time.Parse(time.RFC3339, in.text())
	if err != nil && in.err == nil {
		in.err = errNotJSON
	}
	return at
}

// raw reads any value as it is.
func (in *reader) raw() json.RawMessage {
	if in.err != nil {
		return nil
	}
	value, err := in.d.ReadValue()
	if err != nil {
		in.err = errNotJSON
		return nil
	}
	return json.RawMessage(value.Clone())
}

func (in *reader) skip() { _ = in.raw() }

// other reads any value into what v points to.
func (in *reader) other(v any) {
	if text := in.raw(); in.err == nil {
		in.err = decode(text, v)
	}
}
