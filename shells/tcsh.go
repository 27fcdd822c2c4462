package shells

import (
	"strings"
	"unicode/utf8"
)

// tcsh keeps shell variables and environment variables apart, so a variable
// that is not exported is never in the way. What it evaluates comes out of a
// command substitution, which has no newlines: each statement ends in ';' and
// is one line.
type tcsh struct{}

func (tcsh) Name() string { return "tcsh" }

// tcshNewline holds a newline, which no statement can: hook.tcsh sets it.
const tcshNewline = "__escenv_newline"

// Quote leaves outside its single quotes what is special even inside them: to
// history, to backslash_quote, and to the line.
func (tcsh) Quote(value string) string {
	if value == "" {
		return "''"
	}
	return "'" + strings.NewReplacer(
		"'", `'\''`, `\`, `'\\'`, "!", `'\!'`, "\n", "'$"+tcshNewline+":q'",
	).Replace(value) + "'"
}

func (d tcsh) Export(name, value string) string {
	return "setenv " + name + " " + d.Quote(value) + ";\n"
}

func (d tcsh) Set(name, value string) string {
	return "set " + name + " = " + d.Quote(value) + ";\n"
}

func (tcsh) Unset(name string) string { return "unsetenv " + name + ";\n" }

// Save evaluates once more, because tcsh looks up the variables of a whole line
// before it looks at the condition.
func (tcsh) Save(name string) string {
	return "if ($?" + name + ") eval 'set " + savedPrefix + name + " = ($" + name + ":q)';\n"
}

func (d tcsh) Restore(name string, exported bool) string {
	saved := savedPrefix + name
	if !exported { // what Save has kept is a shell variable, which is still there
		return d.Unset(name) + d.Forget(name)
	}
	// A shell variable of the user's hides the environment variable, and may be
	// a list of none or of many.
	return d.Unset(name) + "if ($?" + saved + ") eval 'set " + saved + " = ($" + saved + `:q ""); setenv ` + name + " $" + saved + "[1]:q';\n" + d.Forget(name)
}

func (tcsh) Forget(name string) string { return "unset " + savedPrefix + name + ";\n" }

// Holds refuses what is not UTF-8: of a substitution longer than its buffer,
// tcsh drops bytes that it cannot decode.
func (tcsh) Holds(value string) bool { return Holds(value) && utf8.ValidString(value) }
