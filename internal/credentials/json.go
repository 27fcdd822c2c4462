package credentials

import (
	"fmt"
	"strings"
	"time"
)

// Endpoint returns the credentials as a container's credentials endpoint
// answers with them.
func (c Credentials) Endpoint() []byte {
	b := appendMember([]byte("{"), "AccessKeyId", c.AccessKeyID)
	b = appendMember(append(b, ','), "SecretAccessKey", c.SecretAccessKey)
	b = appendMember(append(b, ','), "Token", c.SessionToken) // clients want it, if only empty
	return append(c.appendExpiration(b), '}', '\n')
}

// Process returns the credentials as a credential_process prints them.
func (c Credentials) Process() []byte {
	b := appendMember([]byte(`{"Version":1,`), "AccessKeyId", c.AccessKeyID)
	b = appendMember(append(b, ','), "SecretAccessKey", c.SecretAccessKey)
	if c.SessionToken != "" {
		b = appendMember(append(b, ','), "SessionToken", c.SessionToken)
	}
	return append(c.appendExpiration(b), '}', '\n')
}

// appendExpiration appends the end of the credentials, in whole seconds, as
// some clients know no others, and never later than it is.
func (c Credentials) appendExpiration(b []byte) []byte {
	if c.Expires.IsZero() {
		return b
	}
	return appendMember(append(b, ','), "Expiration", c.Expires.UTC().Format(time.RFC3339))
}

// appendMember appends a member of a JSON object. encoding/json would take
// longer to prepare itself than all the rest of a credential_process.
func appendMember(b []byte, name, text string) []byte {
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, '"', ':', '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// Problem returns an error as a container's credentials endpoint answers with
// it. Some clients read names in small letters, some in capitals.
func Problem(code, message string) []byte {
	message = strings.ToValidUTF8(message, "?")
	b := appendMember([]byte("{"), "code", code)
	b = appendMember(append(b, ','), "message", message)
	b = appendMember(append(b, ','), "Code", code)
	b = appendMember(append(b, ','), "Message", message)
	return append(b, '}', '\n')
}
