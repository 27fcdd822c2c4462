package esc

// MaxVariableName is the longest name of an environment variable, in bytes.
const MaxVariableName = 128

// IsVariableName reports whether every shell takes name as the name of an
// environment variable and as nothing else: letters, digits and _, not
// beginning with a digit. Names cannot be quoted.
func IsVariableName(name string) bool {
	if name == "" || len(name) > MaxVariableName {
		return false
	}
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}
