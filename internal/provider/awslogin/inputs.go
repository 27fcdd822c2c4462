package awslogin

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/escenv/escenv/internal/esc"
)

// Bounds that STS sets.
const (
	minARN      = 20
	maxARN      = 2048
	minDuration = 15 * time.Minute
	maxDuration = 12 * time.Hour
	maxPolicies = 10
)

// inputs are what a definition says; one of the two is set.
type inputs struct {
	oidc   *oidc
	static map[string]esc.Value
}

// oidc are the inputs of an exchange. ARNs keep whether they are secret.
type oidc struct {
	role        esc.Value
	sessionName string
	duration    time.Duration // zero to leave it to STS
	policies    []esc.Value
	subject     []string
}

func (o oidc) input(token esc.Token) *sts.AssumeRoleWithWebIdentityInput {
	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn:          aws.String(reveal(o.role)),
		RoleSessionName:  aws.String(o.sessionName),
		WebIdentityToken: aws.String(reveal(token.JWT)), // for STS
	}
	if o.duration > 0 {
		in.DurationSeconds = aws.Int32(int32(o.duration.Seconds()))
	}
	for _, policy := range o.policies {
		in.PolicyArns = append(in.PolicyArns, types.PolicyDescriptorType{Arn: aws.String(reveal(policy))})
	}
	return in
}

func reveal(v esc.Value) string {
	text, _ := v.RevealString()
	return text
}

// A reader takes inputs apart and notes what is wrong. It never repeats a
// value, which may be secret.
type reader struct{ diags esc.Diagnostics }

func read(v esc.Value) (inputs, esc.Diagnostics) {
	r := &reader{}
	var in inputs
	given := r.object(v, "", "oidc", "static")
	login, hasOIDC := given["oidc"]
	static, hasStatic := given["static"]
	switch {
	case hasOIDC && hasStatic:
		r.wrong("static", "oidc and static exclude each other")
	case !hasOIDC && !hasStatic && given != nil:
		r.wrong("", "aws-login needs oidc or static")
	}
	if hasOIDC {
		in.oidc = r.oidc(login)
	}
	if hasStatic {
		in.static = r.static(static)
	}
	return in, r.diags
}

func (r *reader) oidc(v esc.Value) *oidc {
	given := r.object(v, "oidc", "roleArn", "sessionName", "duration", "policyArns", "subjectAttributes")
	o := &oidc{}
	if given == nil {
		return o
	}
	o.role = r.text(given, "oidc", "roleArn", roleARN)
	r.need(given, "oidc", "roleArn", "sessionName")
	o.sessionName = reveal(r.text(given, "oidc", "sessionName", sessionName))
	o.duration, _ = time.ParseDuration(reveal(r.text(given, "oidc", "duration", duration)))
	o.policies = r.texts(given, "oidc", "policyArns", arn)
	if len(o.policies) > maxPolicies {
		r.wrong("oidc.policyArns", "AWS takes at most %d policyArns", maxPolicies)
	}
	for _, attribute := range r.texts(given, "oidc", "subjectAttributes", subjectAttribute) {
		o.subject = append(o.subject, reveal(attribute))
	}
	return o
}

func (r *reader) static(v esc.Value) map[string]esc.Value {
	keys := []string{"accessKeyId", "secretAccessKey", "sessionToken"}
	given := r.object(v, "static", keys...)
	if given == nil {
		return nil
	}
	r.need(given, "static", "accessKeyId", "secretAccessKey")
	out := map[string]esc.Value{}
	for _, key := range keys {
		if value := r.text(given, "static", key, credential); !value.IsNull() {
			out[key] = value.AsSecret()
		}
	}
	return out
}

func (r *reader) wrong(path, format string, args ...any) {
	r.diags = append(r.diags, esc.Diagnostic{Path: path, Summary: fmt.Sprintf(format, args...)})
}

// object returns the properties of an object that has only known ones; nil if
// it is none, or not known yet.
func (r *reader) object(v esc.Value, path string, known ...string) map[string]esc.Value {
	object, ok := v.Object()
	if !ok {
		if !v.IsUnknown() {
			r.wrong(path, "%s must be an object, not %s", orInputs(path), v.AKind())
		}
		return nil
	}
	for _, key := range v.Keys() {
		switch {
		case slices.Contains(known, key):
		case v.IsSecret() && object[key].IsSecret(): // only a secret tells its name
			r.wrong(path, "%s has inputs it does not know", orInputs(path))
		default:
			r.wrong(join(path, key), "%s has no input %s", orInputs(path), esc.OneLine(key, 60))
			r.diags[len(r.diags)-1].Hint = esc.DidYouMean(key, known)
		}
	}
	return object
}

func (r *reader) need(given map[string]esc.Value, path string, keys ...string) {
	for _, key := range keys {
		if _, ok := given[key]; !ok {
			r.wrong(path, "%s has no %s, which is required", path, key)
		}
	}
}

// text returns a property that is a string and has nothing wrong with it, or
// else null. A rule says what is wrong.
func (r *reader) text(given map[string]esc.Value, path, key string, rule func(string) string) esc.Value {
	v, ok := given[key]
	if !ok {
		return esc.Value{}
	}
	return r.one(v, join(path, key), rule)
}

// texts returns a property that is a list of such strings.
func (r *reader) texts(given map[string]esc.Value, path, key string, rule func(string) string) []esc.Value {
	v, ok := given[key]
	if !ok || v.IsUnknown() {
		return nil
	}
	path = join(path, key)
	list, ok := v.List()
	if !ok {
		r.wrong(path, "%s must be a list of strings, not %s", path, v.AKind())
	}
	var good []esc.Value
	for i, e := range list {
		good = append(good, r.one(e, fmt.Sprintf("%s[%d]", path, i), rule))
	}
	return good
}

func (r *reader) one(v esc.Value, path string, rule func(string) string) esc.Value {
	if v.IsUnknown() {
		return esc.Value{}
	}
	if v.Kind() != "string" {
		r.wrong(path, "%s must be a string, not %s", path, v.AKind())
		return esc.Value{}
	}
	if problem := rule(reveal(v)); problem != "" {
		r.wrong(path, "%s %s", path, problem)
		return esc.Value{}
	}
	return v
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func orInputs(path string) string {
	if path == "" {
		return "aws-login"
	}
	return path
}

func arn(text string) string {
	switch length := utf8.RuneCountInString(text); {
	case length < minARN || length > maxARN:
		return fmt.Sprintf("must be an ARN of %d to %d characters", minARN, maxARN)
	case !strings.HasPrefix(text, "arn:") || strings.Count(text, ":") < 5:
		return "must be an ARN, like arn:aws:iam::123456789012:role/name"
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return "has control characters in it"
	}
	return ""
}

// roleARN takes roles of any partition, and of other makers' STS.
func roleARN(text string) string {
	if problem := arn(text); problem != "" {
		return problem
	}
	if parts := strings.SplitN(text, ":", 6); !strings.HasPrefix(parts[5], "role/") {
		return "must be the ARN of a role, like arn:aws:iam::123456789012:role/name"
	}
	return ""
}

func sessionName(text string) string {
	if !regexp.MustCompile(`^[\w+=,.@-]{2,64}$`).MatchString(text) {
		return "must be 2 to 64 letters, digits or any of _+=,.@-"
	}
	return ""
}

func duration(text string) string {
	if !regexp.MustCompile(`^([0-9]+h)?([0-9]+m)?([0-9]+s)?$`).MatchString(text) {
		return "must be a duration like 1h, 45m or 1h30m"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < minDuration || d > maxDuration {
		return "must be from 15m to 12h"
	}
	return ""
}

// subjectAttribute takes the names that upstream defines. Whether one can be
// attested is for the source of tokens to say.
func subjectAttribute(text string) string {
	known := []string{
		"currentEnvironment.name", "rootEnvironment.name",
		"pulumi.user.login", "pulumi.organization.login", "pulumi.token.type", "pulumi.token.team",
	}
	if slices.Contains(known, text) {
		return ""
	}
	return "must be one of " + strings.Join(known, ", ")
}

// credential takes what fits a header line, as every credential must.
func credential(text string) string {
	if text == "" || len(text) > maxCredential || !printable(text) {
		return "must be printable text without spaces"
	}
	return ""
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
