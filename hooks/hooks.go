// Package hooks holds the scripts that make a shell follow .escenv files, and
// those that complete escenv's command line, as files in that shell's own
// language.
//
// All hooks work alike. At a prompt, and when the directory changes, they compare
// with builtins what they watch: the directory, the .escenv and the generation
// file against their stamps, the clock. Only if something differs do they
// start escenv, and evaluate what it prints.
package hooks

import (
	"embed"
	"fmt"
	"strings"

	"github.com/escenv/escenv/shells"
)

//go:embed hook.* complete.*
var scripts embed.FS

// placeholder stands in the scripts where the quoted path of escenv goes.
const placeholder = "@ESCENV@"

// Script returns the hook for a shell. self is the absolute path of escenv.
func Script(d shells.Dialect, self string) (string, error) { return script("hook", d, self) }

// Completion returns the script that completes escenv's command line in a
// shell. self is the absolute path of escenv.
func Completion(d shells.Dialect, self string) (string, error) { return script("complete", d, self) }

func script(kind string, d shells.Dialect, self string) (string, error) {
	suffix := d.Name()
	switch suffix { // the files are called as people call them
	case "elvish":
		suffix = "elv"
	case "xonsh":
		suffix = "xsh"
	case "pwsh":
		suffix = "ps1"
	}
	text, err := scripts.ReadFile(kind + "." + suffix)
	if err != nil {
		return "", fmt.Errorf("there is no script for %s", d.Name())
	}
	return strings.ReplaceAll(string(text), placeholder, d.Quote(self)), nil
}
