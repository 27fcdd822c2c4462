//go:build !escenv_light

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// onTerminal reports whether somebody can be asked.
func (p *program) onTerminal() bool {
	return isatty.IsTerminal(p.stdin.Fd()) && isatty.IsTerminal(p.stderr.Fd())
}

// ask puts a question that only y or yes answers. Ctrl-C is an error.
func (p *program) ask(ctx context.Context, question string) (bool, error) {
	fmt.Fprint(p.stderr, "escenv: "+safe(question)+" [y/N] ")
	line, err := awaited(ctx, func() (string, error) {
		return bufio.NewReader(io.LimitReader(p.stdin, 1<<10)).ReadString('\n')
	})
	if err != nil {
		fmt.Fprintln(p.stderr)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return err == nil && (answer == "y" || answer == "yes"), ctx.Err()
}

// askSecret reads a line that is not shown.
func (p *program) askSecret(ctx context.Context, prompt string) (string, error) {
	terminal := int(p.stdin.Fd())
	shown, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(p.stderr, "escenv: %s: ", safe(prompt))
	text, err := awaited(ctx, func() ([]byte, error) { return term.ReadPassword(terminal) })
	fmt.Fprintln(p.stderr)
	if ctx.Err() != nil {
		err = ctx.Err()
		_ = term.Restore(terminal, shown)
	}
	return string(text), err
}

// awaited returns what read returns, unless ctx ends before. Then read goes on,
// so the run had better end, too.
func awaited[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := read()
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
