//go:build !escenv_light

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

func (p *program) newCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "say whether definitions could be opened, without opening anything",
		ArgsUsage: "REF...",
		Description: help(`Reads each definition and what it imports, and prints all that is wrong with
them as project/name:line:col: summary, with the line. A REF may be a file:
./dev.yaml. No provider is opened, no token is fetched.

With --json all goes to stdout, for editors: see docs/language.md.`,
			`0  every definition could be opened; there may be warnings
1  one could not; stderr says why, or the JSON does
2  the command line was not understood`, "escenv check shop/dev ./local.yaml"),
		Flags: []cli.Flag{jsonFlag(), p.noAgentFlag()},
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, math.MaxInt)
			if err != nil {
				return err
			}
			return p.runCheck(c.Context, args, c.Bool("json"))
		},
	}
}

// A checked is one definition that was looked at.
type checked struct {
	ref    esc.Ref
	result wire.CheckResult
	err    error
}

func (p *program) runCheck(ctx context.Context, names []string, asJSON bool) error {
	all := make([]checked, len(names))
	for i, name := range names {
		var err error
		if all[i].ref, err = p.parseRef(name); err != nil {
			return err
		}
	}
	failed := false
	for i := range all {
		c := &all[i]
		c.err = p.call(ctx, wire.OpCheck, wire.CheckArgs{Ref: c.ref}, &c.result)
		if errors.Is(c.err, context.Canceled) {
			return c.err
		}
		failed = failed || c.err != nil
	}
	show := p.showChecked
	if asJSON {
		show = p.printChecked
	}
	if err := show(all); err != nil || !failed {
		return err
	}
	return statusError(exitFailed)
}

// showChecked says for people what is wrong, once, and what is right.
func (p *program) showChecked(all []checked) error {
	var diags esc.Diagnostics
	out := printer{w: p.stdout}
	for _, c := range all {
		diags = append(diags, c.diagnostics()...)
		if c.err == nil {
			out.printf("%s", fine(c.result))
		}
	}
	diags = distinct(diags)
	p.printSome(diags, len(diags))
	if diags.Err() != nil {
		p.blame(diags)
	}
	for _, c := range all {
		if c.err != nil && !errors.As(c.err, new(esc.Diagnostics)) {
			p.explain(c.err)
		}
	}
	return out.err
}

// diagnostics are those of c, whether it is right or wrong.
func (c checked) diagnostics() (diags esc.Diagnostics) {
	if errors.As(c.err, &diags) {
		return diags
	}
	return c.result.Warnings
}

// distinct sorts, and drops what several definitions have in common.
func distinct(diags esc.Diagnostics) (out esc.Diagnostics) {
	diags.Sort()
	seen := map[esc.Diagnostic]bool{}
	for _, d := range diags {
		if !seen[d] {
			out = append(out, d)
		}
		seen[d] = true
	}
	return out
}

// fine says what opening a definition that is right would do.
func fine(result wire.CheckResult) string {
	var b strings.Builder
	row := func(label string, words []string, between string) {
		if len(words) > 0 {
			b.WriteString("  " + label + "  " + safe(strings.Join(words, between)) + "\n")
		}
	}
	b.WriteString(safe(result.Name) + " is fine\n")
	row("opens", result.Providers, ", ")
	row("sets ", result.Variables, " ")
	row("files", result.Files, " ")
	return b.String()
}

// A checkReport is what check --json prints. No list in it is null.
type checkReport struct {
	Environments []checkedEnvironment `json:"environments"` // as they were asked for
	Diagnostics  []checkedDiagnostic  `json:"diagnostics"`  // by file, line and column
}

type checkedEnvironment struct {
	Name      string   `json:"name"`
	OK        bool     `json:"ok"`
	Variables []string `json:"variables"` // names; empty unless ok
	Files     []string `json:"files"`
	Providers []string `json:"providers"`
}

type checkedDiagnostic struct {
	File     string     `json:"file"` // a path; the definition's name if it has none
	Range    *textRange `json:"range,omitempty"`
	Severity string     `json:"severity"` // error or warning
	Path     string     `json:"path,omitempty"`
	Summary  string     `json:"summary"`
	Hint     string     `json:"hint,omitempty"`
}

// A textRange ends before End, which is Start where the end is not known.
type textRange struct {
	Start textPlace `json:"start"`
	End   textPlace `json:"end"`
}

type textPlace struct {
	Line   int `json:"line"`   // from 1
	Column int `json:"column"` // from 1, in characters
}

// printChecked prints a checkReport.
func (p *program) printChecked(all []checked) error {
	report := checkReport{Environments: []checkedEnvironment{}, Diagnostics: []checkedDiagnostic{}}
	var diags esc.Diagnostics
	for _, c := range all {
		diags = append(diags, c.diagnostics()...)
		report.Environments = append(report.Environments, c.environment())
		if c.err != nil && !errors.As(c.err, new(esc.Diagnostics)) {
			diags = append(diags, c.failure())
		}
	}
	for _, d := range distinct(diags) {
		report.Diagnostics = append(report.Diagnostics, forEditors(d))
	}
	return p.printJSON(report)
}

func (c checked) environment() checkedEnvironment {
	list := func(words []string) []string { return append([]string{}, words...) }
	return checkedEnvironment{
		Name: c.ref.String(), OK: c.err == nil,
		Variables: list(c.result.Variables), Files: list(c.result.Files), Providers: list(c.result.Providers),
	}
}

// failure is an error that is not about a place.
func (c checked) failure() esc.Diagnostic {
	d := esc.Diagnostic{Position: esc.Position{File: c.ref.String()}, Summary: c.err.Error()}
	if e, ok := errors.AsType[*esc.Error](c.err); ok {
		d.Hint = e.Hint
	}
	return d
}

func forEditors(d esc.Diagnostic) checkedDiagnostic {
	out := checkedDiagnostic{File: d.File, Severity: "error", Path: d.Path, Summary: d.Summary, Hint: d.Hint}
	if d.Warning {
		out.Severity = "warning"
	}
	if d.Line == 0 {
		return out
	}
	start := textPlace{d.Line, max(d.Column, 1)}
	out.Range = &textRange{Start: start, End: start}
	if d.End.Line != 0 {
		out.Range.End = textPlace{d.End.Line, d.End.Column}
	}
	return out
}

// jsonFlag asks for output that a program may read.
func jsonFlag() *cli.BoolFlag {
	return &cli.BoolFlag{Name: "json", Usage: "print JSON, for programs"}
}

// printJSON prints v for programs.
func (p *program) printJSON(v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := p.stdout.Write(safeJSON(text.Bytes()))
	return err
}
