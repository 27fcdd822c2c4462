package devcloud

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/escenv/escenv/internal/devcloud/sigv4"
)

// maxForm is the longest request STS and IAM read, in bytes.
const maxForm = 1 << 20

const (
	stsVersion = "2011-06-15"
	iamVersion = "2010-05-08"
)

// A call is one request of the Query protocol.
type call struct {
	url.Values
	who *caller // nil for an operation that nobody signs
}

// An operation does a call and returns what to put into its result.
type operation func(ctx context.Context, c call) (result any, err error)

// operation finds an operation by version and name, and whose it is.
func (c *Cloud) operation(version, action string) (service string, op operation) {
	switch version {
	case stsVersion:
		return "sts", map[string]operation{
			"AssumeRoleWithWebIdentity": c.assumeRoleWithWebIdentity,
			"GetCallerIdentity":         c.getCallerIdentity,
		}[action]
	case iamVersion:
		return "iam", map[string]operation{
			"CreateOpenIDConnectProvider": c.createProvider,
			"CreateRole":                  c.createRole,
			"UpdateAssumeRolePolicy":      c.updateTrust,
			"PutRolePolicy":               c.putRolePolicy,
			"GetRole":                     c.getRole,
			"ListRoles":                   c.listRoles,
		}[action]
	}
	return "", nil
}

// serveQuery answers for STS and IAM.
func (c *Cloud) serveQuery(w http.ResponseWriter, r *http.Request) {
	form, body, err := readForm(r)
	if err != nil {
		writeQueryFailure(w, asFailure(err))
		return
	}
	action := form.Get("Action")
	entry := Entry{Service: "sts", Action: action}
	if c.sabotage(w, r, action, writeQueryFailure, &entry) {
		return
	}
	result, service, err := c.query(r, form, body, &entry)
	if entry.Service = service; err != nil {
		f := asFailure(err)
		c.record(entry, f.status, f.code)
		writeQueryFailure(w, f)
		return
	}
	c.record(entry, http.StatusOK, "")
	writeResult(w, service, action, result)
}

func readForm(r *http.Request) (url.Values, []byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return nil, nil, fail(http.StatusBadRequest, "MalformedInput", "the body cannot be read")
	}
	if len(body) > maxForm {
		return nil, nil, fail(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "the body is longer than %d bytes", maxForm)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form := r.URL.Query()
	if r.Method == http.MethodPost {
		if form, err = url.ParseQuery(string(body)); err != nil {
			return nil, nil, fail(http.StatusBadRequest, "MalformedQueryString", "the form cannot be read")
		}
	}
	return form, body, nil
}

// query authenticates and does one call.
func (c *Cloud) query(r *http.Request, form url.Values, body []byte, entry *Entry) (result any, service string, err error) {
	service, op := c.operation(form.Get("Version"), form.Get("Action"))
	if op == nil {
		return nil, service, fail(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version %s", form.Get("Action"), form.Get("Version"))
	}
	req := call{Values: form}
	if form.Get("Action") != "AssumeRoleWithWebIdentity" {
		say := queryWords()
		signature, err := readSignature(r, say)
		if err != nil {
			return nil, service, err
		}
		entry.AccessKeyID = signature.AccessKeyID
		if req.who, err = c.authenticate(r, signature, service, sigv4.Hash(body), say); err != nil {
			return nil, service, err
		}
		if service == "iam" {
			if err := c.permit(req.who, "iam:"+form.Get("Action"), "*"); err != nil {
				return nil, service, err
			}
		}
	}
	result, err = op(r.Context(), req)
	return result, service, err
}

// writeResult wraps result as the Query protocol does.
func writeResult(w http.ResponseWriter, service, action string, result any) {
	version := map[string]string{"sts": stsVersion, "iam": iamVersion}[service]
	namespace := "https://" + service + ".amazonaws.com/doc/" + version + "/"
	type metadata struct {
		RequestID string `xml:"RequestId"`
	}
	writeXML(w, http.StatusOK, struct {
		XMLName  xml.Name
		Result   any
		Metadata metadata `xml:"ResponseMetadata"`
	}{
		XMLName:  xml.Name{Space: namespace, Local: action + "Response"},
		Result:   named{action + "Result", result},
		Metadata: metadata{w.Header().Get("X-Amzn-Requestid")},
	})
}

// named writes a value as an element of another name.
type named struct {
	name  string
	value any
}

// MarshalXML writes n.value as <name>.
func (n named) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	start.Name = xml.Name{Local: n.name}
	if n.value == nil {
		return e.EncodeElement("", start)
	}
	return e.EncodeElement(n.value, start)
}

// members returns a list parameter: NAME.member.1, NAME.member.2, ...
func (c call) members(name, suffix string) []string {
	var list []string
	for i := 1; ; i++ {
		key := name + ".member." + strconv.Itoa(i) + suffix
		if !c.Has(key) {
			return list
		}
		list = append(list, c.Get(key))
	}
}

// number returns a parameter that is a whole number.
func (c call) number(name string, fallback int) (int, error) {
	if !c.Has(name) {
		return fallback, nil
	}
	n, err := strconv.Atoi(c.Get(name))
	if err != nil {
		return 0, fail(http.StatusBadRequest, "MalformedInput", "%s is not a number", name)
	}
	return n, nil
}
