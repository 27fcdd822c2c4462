package credentials

import "strings"

// rivals are variables that give AWS's clients credentials, or lead them to
// some, before they ask a credentials endpoint, or that change what they ask.
// A client prefers whatever it finds first, so all of them have to go.
var rivals = []string{
	accessKeyID, secretAccessKey, sessionToken,
	"AWS_ACCESS_KEY",            // as AWS_ACCESS_KEY_ID, for Go's SDK
	"AWS_SECRET_KEY",            // as AWS_SECRET_ACCESS_KEY
	"AWS_SECURITY_TOKEN",        // as AWS_SESSION_TOKEN; some take it first
	"AWS_CREDENTIAL_EXPIRATION", // of other credentials
	"AWS_CREDENTIAL_FILE",       // a file of keys, for the AWS CLI and boto3
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE",
	"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", // most clients take it first
	EndpointVariable, TokenVariable,
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", // most clients take it before the token
}

// The variables that lead AWS's clients to a credentials endpoint, and hold
// what they must say there.
const (
	EndpointVariable = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	TokenVariable    = "AWS_CONTAINER_AUTHORIZATION_TOKEN" //nolint:gosec // the name of one
)

// Rivals returns the variables that must not be set where a credentials
// endpoint is to be used, except the two that lead to it.
func Rivals() []string { return append([]string(nil), rivals...) }

// Shadow returns an AWS configuration or credentials file without what would
// give clients other credentials than those they are offered: such keys of the
// default profile, which counts where no other is named. All other lines are as
// they were. changed is false if there is nothing of the kind.
func Shadow(file string) (shadow string, changed bool) {
	var b strings.Builder
	inDefault, dropping := false, false
	for line := range strings.SplitAfterSeq(file, "\n") {
		switch name, isSection := section(line); {
		case isSection:
			inDefault, dropping = name == "default" || name == "profile default", false
		case continues(line):
			// it belongs to the line before
		default:
			dropping = inDefault && isRival(line)
		}
		if dropping {
			changed = true
			continue
		}
		b.WriteString(line)
	}
	return b.String(), changed
}

// section returns the name of the section that a line begins, if it does.
func section(line string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "[")
	name, _, closed := strings.Cut(rest, "]")
	return strings.Join(strings.Fields(strings.ReplaceAll(name, `"`, "")), " "), ok && closed
}

// continues reports whether a line goes on with the value of the one before.
func continues(line string) bool {
	return line != "" && (line[0] == ' ' || line[0] == '\t') && strings.TrimSpace(line) != ""
}

// isRival reports whether a line sets a rival key.
func isRival(line string) bool {
	key, _, ok := strings.Cut(line, "=")
	if colon, _, found := strings.Cut(line, ":"); found && (!ok || len(colon) < len(key)) {
		key, ok = colon, true // as Python's reader of such files has it
	}
	return ok && isRivalKey(strings.ToLower(strings.TrimSpace(key)))
}

// isRivalKey reports whether a key of a profile gives clients credentials or
// leads them to some.
func isRivalKey(key string) bool {
	switch key {
	case "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token",
		"credential_process", "credential_source", "source_profile", "role_arn",
		"web_identity_token_file", "login_session":
		return true
	}
	return strings.HasPrefix(key, "sso_")
}
