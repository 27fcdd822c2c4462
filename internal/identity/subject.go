package identity

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

// maxSubject is the longest subject AWS takes, in bytes.
const maxSubject = 255

// subject says who asks for what, in the attributes that are asked for, or
// else as "escenv:env:PROJECT/NAME:user:USER". The environment is the one that
// holds the login, not the one that imports it: anybody can import.
func (i *Issuer) subject(req esc.TokenRequest) (string, error) {
	pairs := [][2]string{{"env", environment(req.Site.Current)}, {"user", i.User}}
	if len(req.Subject) > 0 {
		pairs = pairs[:0]
		for _, name := range req.Subject {
			value, err := attribute(name, req.Site, i.User)
			if err != nil {
				return "", err
			}
			pairs = append(pairs, [2]string{name, value})
		}
	}
	parts := []string{"escenv"}
	for _, pair := range pairs {
		if pair[1] == "" {
			return "", i.missing(pair[0])
		}
		parts = append(parts, pair[0], escape(pair[1]))
	}
	sub := strings.Join(parts, ":")
	if len(sub) > maxSubject {
		return "", esc.Errorf(esc.Invalid, "the identity token's subject would be %d bytes long; AWS takes %d", len(sub), maxSubject).
			WithHint("use shorter names or fewer subjectAttributes")
	}
	return sub, nil
}

func (i *Issuer) missing(key string) error {
	e := esc.Errorf(esc.Invalid, "there is no %s to name in the identity token's subject", key)
	if key == "user" || key == "pulumi.user.login" {
		e = e.WithHint("write identity: {issuer: {user: NAME}} in %s", i.Settings)
	}
	return e
}

// attribute returns the value of one of upstream's subject attributes. An
// issuer on the user's own machine knows of no organizations and teams.
func attribute(name string, site esc.Site, user string) (string, error) {
	switch name {
	case "rootEnvironment.name":
		return environment(site.Root), nil
	case "currentEnvironment.name":
		return environment(site.Current), nil
	case "pulumi.user.login":
		return user, nil
	}
	return "", esc.Errorf(esc.Invalid, "escenv's own issuer cannot attest the subject attribute %q", esc.OneLine(name, 60)).
		WithHint("use rootEnvironment.name, currentEnvironment.name or pulumi.user.login")
}

// environment names a definition: one in a store as it is, and one that is a
// file by the file's name, which cannot be taken for a project/name as it has
// no slash.
func environment(name string) string {
	if filepath.IsAbs(name) || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") {
		return filepath.Base(name)
	}
	return name
}

// escape writes a value so that it cannot be taken for the key that follows
// it: ':' and '%', and what is not printable ASCII, as %XX.
func escape(value string) string {
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; c == ':' || c == '%' || c <= ' ' || c > '~' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
