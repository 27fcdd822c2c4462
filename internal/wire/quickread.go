package wire

import "github.com/escenv/escenv/internal/esc"

// What prompts wait for is read by hand, too: encoding/json takes longer to learn
// a type than to read it.

// decodeReply reads a Reply. What is rare in it is left to encoding/json.
func decodeReply(body []byte) (reply Reply, err error) {
	err = readDocument(body, func(name []byte, in *reader) {
		switch string(name) {
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
	err = readDocument(body, func(name []byte, in *reader) {
		switch string(name) {
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
	return readDocument(body, func(name []byte, in *reader) {
		switch string(name) {
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

// usualVariables is more than most environments have: a list that grows by and by
// costs a prompt more.
const usualVariables = 16

// decodeOpenResult reads an OpenResult into what into points to.
func decodeOpenResult(body []byte, into any) error {
	result := into.(*OpenResult)
	return readDocument(body, func(name []byte, in *reader) {
		switch string(name) {
		case "name":
			result.Name = in.text()
		case "variables":
			result.Variables = in.variables()
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

func (in *reader) variables() (all []Variable) {
	in.list(func() {
		if all == nil {
			all = make([]Variable, 0, usualVariables)
		}
		all = append(all, in.variable())
	})
	return all
}

func (in *reader) variable() (v Variable) {
	in.object(func(name []byte, in *reader) {
		switch string(name) {
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
	in.object(func(name []byte, in *reader) {
		switch string(name) {
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
	in.object(func(name []byte, in *reader) {
		switch string(name) {
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

func (in *reader) ref() (r esc.Ref) {
	in.object(func(name []byte, in *reader) {
		switch string(name) {
		case "store":
			r.Store = in.text()
		case "project":
			r.Project = in.text()
		case "name":
			r.Name = in.text()
		case "revision":
			r.Revision = in.text()
		case "path":
			r.Path = in.text()
		case "digest":
			r.Digest = in.text()
		default:
			in.skip()
		}
	})
	return r
}
