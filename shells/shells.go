// Package shells writes statements in the language of a shell: quoting,
// exporting, and keeping what a variable was so that it can be put back.
//
// Everything here is a pure function from strings to a string. Statements end
// in a newline and may be joined and evaluated together. They call builtins in
// a way that an alias or function of the same name does not get in between.
package shells

import (
	"fmt"
	"path"
	"strings"
)

// A Dialect writes statements of one shell. A name it is given matches
// [A-Za-z_][A-Za-z0-9_]*; a value is one that it Holds.
type Dialect interface {
	// Name is the shell's name, "zsh".
	Name() string
	// Holds reports whether a variable of the shell can hold value.
	Holds(value string) bool
	// Quote returns value as one word that the shell reads back byte for byte.
	Quote(value string) string
	// Export sets an environment variable.
	Export(name, value string) string
	// Set sets a variable that children do not inherit.
	Set(name, value string) string
	// Unset removes a variable.
	Unset(name string) string

	// Save keeps what the variable is now, exported or not. One that is not
	// set leaves nothing behind.
	Save(name string) string
	// Restore puts back what Save kept, exported if it was, and removes a
	// variable of which nothing was kept.
	Restore(name string, exported bool) string
	// Forget drops what Save kept and leaves the variable alone.
	Forget(name string) string
}

// savedPrefix begins the name of the shell variable that holds what a variable
// was.
const savedPrefix = "__escenv_was_"

// Names lists the shells that have a hook, the ones most people use first.
func Names() []string {
	return []string{"bash", "zsh", "fish", "nu", "elvish", "tcsh", "xonsh", "pwsh"}
}

// Lookup returns the dialect of a shell by its name, by the name a login shell
// goes by, or by its path: "zsh", "-zsh", "/bin/zsh".
func Lookup(name string) (Dialect, error) {
	switch strings.TrimPrefix(path.Base(name), "-") {
	case "bash":
		return bash{}, nil
	case "zsh":
		return zsh{}, nil
	case "fish":
		return fish{}, nil
	case "sh", "dash", "ksh":
		return posix{}, nil
	case "tcsh", "csh":
		return tcsh{}, nil
	case "nu", "nushell":
		return lines{"nu", quoteNu}, nil
	case "elvish":
		return lines{"elvish", quoteElvish}, nil
	case "xonsh":
		return lines{"xonsh", quoteXonsh}, nil
	case "pwsh", "powershell":
		return lines{"pwsh", quotePwsh}, nil
	}
	return nil, fmt.Errorf("%q is not a shell that escenv knows: use one of %s", name, strings.Join(Names(), ", "))
}

// Holds reports whether the variables of most shells can hold value: all but
// NUL.
func Holds(value string) bool { return strings.IndexByte(value, 0) < 0 }
