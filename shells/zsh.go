package shells

// zsh differs from bash in that assigning to a readonly name aborts whatever
// is being evaluated, so each statement looks first.
type zsh struct{ posix }

func (zsh) Name() string { return "zsh" }

// unlessReadonly makes a statement depend on name being assignable.
func (zsh) unlessReadonly(name, statement string) string {
	return "[[ ${(t)" + name + "-} == *readonly* ]] || " + statement + "\n"
}

func (d zsh) Export(name, value string) string {
	return d.unlessReadonly(name, `\builtin export `+name+"="+d.Quote(value))
}

func (d zsh) Set(name, value string) string {
	return d.unlessReadonly(name, `\builtin typeset -g +x `+name+"="+d.Quote(value))
}

func (d zsh) Unset(name string) string {
	return d.unlessReadonly(name, `\builtin unset -v `+name)
}

func (zsh) Save(name string) string {
	return "if (( ${+" + name + "} )); then \\builtin typeset -g +x " + savedPrefix + name + `="$` + name + `"; fi` + "\n"
}

func (d zsh) Restore(name string, exported bool) string {
	saved := savedPrefix + name
	set := "typeset -g +x"
	if exported {
		set = "export"
	}
	return d.Unset(name) + "if (( ${+" + saved + "} )); then " +
		"[[ ${(t)" + name + `-} == *readonly* ]] || \builtin ` + set + " " + name + `="$` + saved + `"; \builtin unset -v ` + saved + "; fi\n"
}

func (d zsh) Forget(name string) string { return `\builtin unset -v ` + savedPrefix + name + "\n" }
