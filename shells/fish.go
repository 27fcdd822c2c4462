package shells

import "strings"

// fish has its own quoting and scopes: escenv works in the global one, so that
// a universal variable is only ever shadowed.
type fish struct{}

func (fish) Name() string { return "fish" }

// Quote puts value in single quotes, inside which fish reads \\ and \'.
func (fish) Quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

func (d fish) Export(name, value string) string {
	return "builtin set -gx " + name + " " + d.Quote(value) + "\n"
}

func (d fish) Set(name, value string) string {
	return "builtin set -gu " + name + " " + d.Quote(value) + "\n"
}

// Unset removes the global; a universal variable of that name is hidden behind
// an empty, unexported one, because erasing it would reach every other shell.
func (fish) Unset(name string) string {
	return "builtin set -eg " + name + "; builtin set -qU " + name + "; and builtin set -gu " + name + "\n"
}

// Save keeps a list as a list.
func (fish) Save(name string) string {
	return "if builtin set -qg " + name + "; builtin set -gu " + savedPrefix + name + " $" + name + "; end\n"
}

func (fish) Restore(name string, exported bool) string {
	saved := savedPrefix + name
	flag := "-gu"
	if exported {
		flag = "-gx"
	}
	return "if builtin set -qg " + saved + "; builtin set " + flag + " " + name + " $" + saved +
		"; builtin set -eg " + saved + "; else; builtin set -eg " + name + "; end\n"
}

func (fish) Forget(name string) string { return "builtin set -eg " + savedPrefix + name + "\n" }

func (fish) Holds(value string) bool { return Holds(value) }
