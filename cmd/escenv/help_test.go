//go:build !escenv_light

package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// pageEnd is how every page of help ends.
var pageEnd = regexp.MustCompile(`\n\nEXIT STATUS\n(   .+\n)+\nEXAMPLE\n(   .+\n)+$`)

// TestEveryPageIsComplete reads the help of every command.
func TestEveryPageIsComplete(t *testing.T) {
	p, _ := hookProgram(t)
	var look func(parent string, commands []*cli.Command)
	look = func(parent string, commands []*cli.Command) {
		for _, c := range commands {
			if c.Hidden {
				continue
			}
			c.HelpName = parent + " " + c.Name
			look(c.HelpName, c.Subcommands)
			var page bytes.Buffer
			printHelp(&page, "", c)
			for _, heading := range []string{"NAME\n", "\nUSAGE\n", "\nDESCRIPTION\n", "\nEXIT STATUS\n", "\nEXAMPLE\n"} {
				if strings.Count(page.String(), heading) != 1 {
					t.Errorf("%s: %q is not there once:\n%s", c.HelpName, heading, &page)
				}
			}
			if !pageEnd.Match(page.Bytes()) {
				t.Errorf("%s: the page does not end with its exit statuses and an example:\n%s", c.HelpName, &page)
			}
			for line := range strings.SplitSeq(page.String(), "\n") {
				if len(line) > 100 || strings.TrimRight(line, " ") != line {
					t.Errorf("%s: a line is too wide, or ends in blanks: %q", c.HelpName, line)
				}
			}
		}
	}
	look("escenv", p.commands())
}
