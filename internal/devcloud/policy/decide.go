package policy

import (
	"slices"
	"strings"
)

// A Request is what somebody wants to do.
type Request struct {
	Principal string              // for a trust policy: the ARN of the identity provider
	Action    string              // "s3:GetObject"
	Resource  string              // for an identity's policy: an ARN
	Keys      map[string][]string // the condition keys that are present, and their values
}

// A Decision is what a policy says to a Request.
type Decision int

// The decisions, in order: where several policies speak, the last one counts.
const (
	Silent Decision = iota // nothing in the policy is about it
	Allowed
	Denied
)

// Trusts decides by a trust policy.
func (d *Document) Trusts(req Request) Decision {
	return d.decide(req, func(s statement) bool {
		return slices.Contains(s.principals, req.Principal) || s.anyone && !s.allow
	})
}

// Permits decides by an identity's policy.
func (d *Document) Permits(req Request) Decision {
	return d.decide(req, func(s statement) bool {
		return slices.ContainsFunc(s.resources, func(p string) bool { return Like(p, req.Resource) })
	})
}

func (d *Document) decide(req Request, concerns func(statement) bool) Decision {
	decision := Silent
	for _, s := range d.statements {
		switch {
		case !s.allow && (s.unknown || concerns(s) && s.matches(req)):
			return Denied
		case s.allow && !s.unknown && concerns(s) && s.matches(req):
			decision = Allowed
		}
	}
	return decision
}

func (s statement) matches(req Request) bool {
	action := strings.ToLower(req.Action)
	if !slices.ContainsFunc(s.actions, func(p string) bool { return Like(strings.ToLower(p), action) }) {
		return false
	}
	return !slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(req.Keys) })
}

// holds reports whether the key is present and its value is one of those
// listed. A request with several values for a key that takes one has none.
func (c condition) holds(keys map[string][]string) bool {
	for key, values := range keys {
		if strings.EqualFold(key, c.key) && len(values) == 1 {
			same := evaluators[c.operator]
			return same != nil && slices.ContainsFunc(c.values, func(want string) bool { return same(want, values[0]) })
		}
	}
	return false
}

// evaluators are the condition operators that are understood. A read-only
// table.
var evaluators = map[string]func(want, got string) bool{
	"StringEquals":           func(want, got string) bool { return want == got },
	"StringEqualsIgnoreCase": strings.EqualFold,
	"StringLike":             Like,
}

// knownOperator reports whether IAM has the operator, understood here or not.
func knownOperator(operator string) bool {
	_, rest, ok := strings.Cut(operator, ":")
	if !ok || !strings.HasPrefix(operator, "ForAllValues:") && !strings.HasPrefix(operator, "ForAnyValue:") {
		rest = operator
	}
	rest = strings.TrimSuffix(rest, "IfExists")
	if slices.Contains([]string{"Bool", "BinaryEquals", "Null", "IpAddress", "NotIpAddress"}, rest) {
		return true
	}
	for _, kind := range []string{"String", "Numeric", "Date", "Arn"} {
		if relation, ok := strings.CutPrefix(rest, kind); ok {
			return slices.Contains(relations(kind), relation)
		}
	}
	return false
}

func relations(kind string) []string {
	switch kind {
	case "String":
		return []string{"Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"}
	case "Arn":
		return []string{"Equals", "NotEquals", "Like", "NotLike"}
	}
	return []string{"Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"}
}

// Like reports whether text matches a pattern in which * stands for any
// characters and ? for one. It takes time linear in the text for each *.
func Like(pattern, text string) bool {
	p, t, star, retry := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			retry++
			p, t = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
