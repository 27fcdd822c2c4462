package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// All of escenv's words to people come from this file or go through it.
//
// stdout is data; talk goes to stderr. A failure is one line
// "escenv: error: ..." and then, wherever there is one, "escenv: hint: ..."
// with the next thing to type. Lower case, no full stop, no secret. What goes
// wrong in a definition is printed as project/name:line:col: summary, with the
// line below (see ui_excerpt.go). Whatever came from outside passes safe before
// it reaches a terminal.

// Exit statuses. exec has more: see its help.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2

	exitInterrupted = 130 // as shells have it for Ctrl-C
)

// A usageError is a command line that cannot be understood.
type usageError struct{ summary, help string }

func (e usageError) Error() string { return e.summary }

// A statusError ends the run with a status; whoever returned it has said why.
type statusError int

func (e statusError) Error() string { return "exit status " + strconv.Itoa(int(e)) }

// report prints err, if there is one, and returns the exit status it means.
func (p *program) report(err error) int {
	var status statusError
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, context.Canceled):
		return exitInterrupted // whoever did it knows
	case errors.As(err, &usage):
		p.sayError(usage.summary)
		p.sayHint(usage.help)
		return exitUsage
	}
	p.explain(err)
	return exitFailed
}

// explain prints any error with its hint.
func (p *program) explain(err error) {
	var diags esc.Diagnostics
	var e *esc.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &diags):
		p.explainDiagnostics(diags)
	case errors.As(err, &e):
		p.sayError(p.named(err.Error()))
		if e.Hint != "" {
			p.sayHint(e.Hint)
		}
	case errors.As(err, &path) && filepath.IsAbs(path.Path) && !strings.HasPrefix(path.Path, "/dev/"):
		p.sayError(err.Error())
		p.sayHint("ls -ld " + nearest(path.Path))
	default:
		p.sayError(err.Error())
	}
}

// explainDiagnostics prints what is wrong in a file, and how to get at it.
func (p *program) explainDiagnostics(diags esc.Diagnostics) {
	p.printDiagnostics(diags)
	p.blame(diags)
}

// blame says which file has errors, and how to edit it.
func (p *program) blame(diags esc.Diagnostics) {
	at := slices.IndexFunc(diags, func(d esc.Diagnostic) bool { return !d.Warning })
	if at < 0 || diags[at].File == "" {
		p.sayError("the definition has errors")
		return
	}
	file := diags[at].File
	p.sayError(p.nameOf(file) + " has errors")
	if name, ok := p.definitionAt(file); ok {
		p.sayHint("escenv env edit " + name)
	}
}

// nameOf is what people call a file: a definition of the store by its
// reference, any other by its path.
func (p *program) nameOf(file string) string {
	if name, ok := p.definitionAt(file); ok {
		return name
	}
	return file
}

// named calls a definition at the beginning of words by its name: a provider's
// failure says first where its fn::open stands.
func (p *program) named(words string) string {
	const end = ".yaml"
	path, rest, ok := strings.Cut(words, end+":")
	if !ok {
		return words
	}
	return p.nameOf(path+end) + ":" + rest
}

// definitionAt returns the reference of the definition that is kept in file.
func (p *program) definitionAt(file string) (name string, ok bool) {
	dir, err := p.configDir()
	if err != nil || !exists(file) {
		return "", false
	}
	name, ok = strings.CutPrefix(file, filepath.Join(dir, "environments")+"/")
	return strings.TrimSuffix(name, ".yaml"), ok
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// nearest returns the nearest of file and what is above it that is there.
func nearest(file string) string {
	for file != "/" && !exists(file) {
		file = filepath.Dir(file)
	}
	return file
}

// withHint gives an error that has none, if it may be one, a hint.
func withHint(err error, applies bool, hint string) error {
	var e *esc.Error
	if applies && errors.As(err, &e) && e.Hint == "" {
		return e.WithHint("%s", hint)
	}
	return err
}

func (p *program) sayError(words string) { p.sayLines("escenv: error: ", words) }
func (p *program) sayHint(words string)  { p.sayLines("escenv: hint: ", words) }
func (p *program) sayWarn(words string)  { p.sayLines("escenv: warning: ", words) }
func (p *program) say(words string)      { p.sayLines("escenv: ", words) }

func (p *program) sayLines(prefix, words string) {
	for line := range strings.SplitSeq(words, "\n") {
		fmt.Fprintln(p.talk(), prefix+safe(line))
	}
}

// safe returns text with everything that could steer a terminal, or fool its
// reader, written as an escape: control characters, and marks that reorder or
// hide text. Tabs become spaces.
func safe(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !esc.Printable(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case esc.Printable(r):
			b.WriteRune(r)
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return b.String()
}

// safeJSON is safe for JSON, which reads back the same: only strings in it hold
// what would steer a terminal, and they know escapes.
func safeJSON(text []byte) []byte {
	odd := func(r rune) bool { return r != '\n' && !esc.Printable(r) }
	if bytes.IndexFunc(text, odd) < 0 {
		return text
	}
	var out []byte
	for _, r := range string(text) {
		switch {
		case !odd(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// printer writes to stdout and remembers the first error, so that a full disk
// or a closed pipe is not taken for success.
type printer struct {
	w   io.Writer
	err error
}

// Write makes a printer an io.Writer.
func (o *printer) Write(text []byte) (int, error) {
	o.printf("%s", text)
	return len(text), o.err
}

func (o *printer) printf(format string, args ...any) {
	if o.err == nil {
		_, o.err = fmt.Fprintf(o.w, format, args...)
	}
}
