package render

import "strings"

// dotenvLine writes NAME=value so that the common loaders (Docker Compose,
// python-dotenv, Node's dotenv, Ruby's, godotenv, and a shell that sources the
// file) read back the same. They agree on little:
//
//   - plain text of harmless characters is itself;
//   - in single quotes everything is itself, new lines too. No loader but the
//     shell agrees on a single quote inside, and some take a backslash before
//     the end for an escape;
//   - in double quotes some expand $ and backquotes and some do not, and each
//     has other escapes. What holds none of those is safe there;
//   - python-dotenv expands ${...} wherever it stands, so that never goes.
//
// What fits none of the three is refused.
func dotenvLine(name, value string) (string, error) {
	switch {
	case strings.Contains(value, "${"):
		return "", cannotHold(name, "${")
	case isPlain(value):
		return name + "=" + value + "\n", nil
	case strings.ContainsRune(value, '\r'):
		return "", cannotHold(name, "a carriage return")
	case !strings.ContainsAny(value, `'\`):
		return name + "='" + value + "'\n", nil
	case !strings.ContainsAny(value, "\"\\$`!\n"):
		return name + `="` + value + "\"\n", nil
	case strings.ContainsRune(value, '\\') && !strings.ContainsAny(value, "'\n") && harmlessBackslashes(value):
		return name + "='" + value + "'\n", nil
	}
	return "", cannotHold(name, "a mix of quotes, backslashes, dollar signs or new lines")
}

// isPlain reports whether value needs no quotes. To zsh, = is special where a
// path may begin.
func isPlain(value string) bool {
	path := value == "" || value[0] == '=' || strings.Contains(value, ":=")
	return !path && strings.IndexFunc(value, special) < 0
}

// special reports what may not stand unquoted.
func special(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	}
	return !strings.ContainsRune("_-./:@%+=,", c)
}

// harmlessBackslashes reports that no backslash stands before something that
// a loader unescapes in single quotes: a backslash, or the closing quote.
func harmlessBackslashes(value string) bool {
	return !strings.Contains(value, `\\`) && !strings.HasSuffix(value, `\`)
}
