package shells

// bash adds to posix what keeps aliases and functions of the user's out.
type bash struct{ posix }

func (bash) Name() string { return "bash" }

func (d bash) Export(name, value string) string {
	return `\builtin export ` + name + "=" + d.Quote(value) + "\n"
}

// Set also takes back the export that set -a gives every assignment.
func (d bash) Set(name, value string) string {
	return `\builtin export -n ` + name + "=" + d.Quote(value) + "\n"
}

func (bash) Unset(name string) string { return `\builtin unset -v ` + name + "\n" }

func (bash) Save(name string) string {
	return "if [[ -n ${" + name + "+x} ]]; then \\builtin export -n " + savedPrefix + name + `="$` + name + `"; fi` + "\n"
}

func (d bash) Restore(name string, exported bool) string {
	saved := savedPrefix + name
	export := "export"
	if !exported {
		export = "export -n"
	}
	return `\builtin unset -v ` + name + "; if [[ -n ${" + saved + `+x} ]]; then \builtin ` + export + " " +
		name + `="$` + saved + `"; \builtin unset -v ` + saved + "; fi\n"
}

func (d bash) Forget(name string) string { return d.Unset(savedPrefix + name) }
