package render

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// githubText writes what a step of GitHub Actions appends to $GITHUB_ENV:
//
//	NAME<<delimiter
//	value, any number of lines
//	delimiter
//
// Whoever knows the delimiter could end a value early and set variables of
// their own, so it is drawn for each value, and is not in it.
func githubText(vars []esc.Variable, random io.Reader) ([]byte, error) {
	return assignments(vars, func(name, value string) (string, error) {
		switch {
		case reservedByGitHub(name):
			return "", esc.Errorf(esc.Invalid, "GitHub Actions lets no step set %s", name).
				WithHint("leave it out of environmentVariables, or use escenv exec")
		case !utf8.ValidString(value):
			return "", cannotHold(name, "text that is not UTF-8")
		case strings.HasSuffix(value, "\r"):
			return "", cannotHold(name, "a carriage return at its end")
		}
		end, err := delimiter(value, random)
		return name + "<<" + end + "\n" + value + "\n" + end + "\n", err
	})
}

// reservedByGitHub reports whether the runner drops or overwrites a variable.
func reservedByGitHub(name string) bool {
	name = strings.ToUpper(name)
	return name == "NODE_OPTIONS" || strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "RUNNER_")
}

// delimiter draws one that is not in value.
func delimiter(value string, random io.Reader) (string, error) {
	for {
		var drawn [16]byte
		if _, err := io.ReadFull(random, drawn[:]); err != nil {
			return "", fmt.Errorf("drawing a delimiter: %w", err)
		}
		if end := "escenv_" + hex.EncodeToString(drawn[:]); !strings.Contains(value, end) {
			return end, nil
		}
	}
}
