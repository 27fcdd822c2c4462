package shells

import "strings"

// posix is what every shell of the Bourne family understands.
type posix struct{}

func (posix) Name() string { return "sh" }

// Quote puts value in single quotes, inside which nothing is special but the
// single quote itself.
func (posix) Quote(value string) string {
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

func (d posix) Export(name, value string) string {
	return "export " + name + "=" + d.Quote(value) + "\n"
}
func (d posix) Set(name, value string) string { return name + "=" + d.Quote(value) + "\n" }
func (posix) Unset(name string) string        { return "unset " + name + "\n" }

func (posix) Save(name string) string {
	return `if [ "${` + name + `+x}" ]; then ` + savedPrefix + name + `="$` + name + `"; fi` + "\n"
}

func (posix) Restore(name string, exported bool) string {
	saved := savedPrefix + name
	set := name
	if exported {
		set = "export " + name
	}
	return "unset " + name + `; if [ "${` + saved + `+x}" ]; then ` + set + `="$` + saved + `"; unset ` + saved + "; fi\n"
}

func (posix) Forget(name string) string { return "unset " + savedPrefix + name + "\n" }

func (posix) Holds(value string) bool { return Holds(value) }
