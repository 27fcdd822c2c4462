package mask

import "strings"

// trivial reports whether s is too short or too ordinary to be masked: output
// would be unreadable and nothing would be kept from anybody.
func trivial(s string) bool {
	switch {
	case len(s) < Shortest, s == Replacement:
		return true
	case strings.Trim(s, s[:1]) == "": // one character over and over
		return true
	case strings.Contains(s, "\n"):
		return false
	case strings.HasPrefix(s, "-----BEGIN "), strings.HasPrefix(s, "-----END "):
		return true
	}
	return isNumber(s) || isRegion(s) || isWord(strings.ToLower(s))
}

// isNumber reports whether s is a number no longer than an AWS account's: the
// time, a size, a version.
func isNumber(s string) bool {
	return len(s) <= 12 && strings.Trim(s, "+-.0123456789") == ""
}

// isRegion reports whether s is shaped like an AWS region or zone:
// eu-west-1, us-gov-east-1b.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 3 || len(parts) > 4 || len(parts[0]) != 2 {
		return false
	}
	last := parts[len(parts)-1]
	for _, word := range parts[:len(parts)-1] {
		if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" {
			return false
		}
	}
	return last != "" && len(last) <= 2 && '0' <= last[0] && last[0] <= '9'
}

func isWord(s string) bool {
	switch s {
	case "changeme", "database", "development", "disabled", "localhost", "password",
		"postgres", "postgresql", "production", "undefined", "username":
		return true
	}
	return false
}
