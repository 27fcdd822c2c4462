package activation

import (
	"slices"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

// reserved begins the names that are escenv's own; no configuration allows
// them to a definition.
var reserved = []string{"ESCENV_", "__ESCENV", "__escenv"}

// A Refusal is a variable of an environment that the hook does not set.
type Refusal struct {
	Name     string
	Why      string // continues "Name ..."
	Settable bool   // whether hook.allow in the user's configuration can allow it
}

// refusal says why the hook must not set name to value, or returns nil.
func refusal(name, value string, allowed []string) *Refusal {
	isOurs := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	switch {
	case !esc.IsVariableName(name):
		return &Refusal{Name: name, Why: "is not a variable name"}
	case slices.ContainsFunc(reserved, isOurs):
		return &Refusal{Name: name, Why: "is escenv's own"}
	case strings.IndexByte(value, 0) >= 0:
		return &Refusal{Name: name, Why: "holds a NUL byte, which no variable can"}
	case len(value) > maxValue:
		return &Refusal{Name: name, Why: "is so long that no command could be started"}
	case slices.Contains(allowed, name):
		return nil
	}
	if why := Dangerous(name); why != "" {
		return &Refusal{Name: name, Why: why, Settable: true}
	}
	return nil
}

// maxValue keeps a variable within what the kernel passes to a program.
const maxValue = 96 << 10

// competitors are variables of another identity that some SDK prefers to
// AWS_ACCESS_KEY_ID and its like, or mixes with them. While escenv's
// credentials are loaded they are not, unless the environment sets them.
var competitors = []string{
	"AWS_CREDENTIAL_EXPIRATION", // of other credentials
	"AWS_DEFAULT_PROFILE",       // as AWS_PROFILE
	"AWS_PROFILE",               // the JavaScript SDK takes it before keys
	"AWS_SECURITY_TOKEN",        // the old name; some take it before AWS_SESSION_TOKEN
	"AWS_SESSION_TOKEN",         // would be sent along with keys it is not for
}

// lesser are variables that lead to another identity where there are no keys.
var lesser = []string{
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
}

// Identities returns every variable that leads to another identity, for a
// command that is to have no other.
func Identities() []string { return slices.Concat(competitors, lesser) }
