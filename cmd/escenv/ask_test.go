//go:build !escenv_light

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// asked is a program whose terminal, as it were, types text and stays open.
func asked(t *testing.T, text string) (p *program, talk func() string) {
	t.Helper()
	p, talk = hookProgram(t)
	keyboard, fingers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close(); fingers.Close() })
	if _, err := fingers.WriteString(text); err != nil {
		t.Fatal(err)
	}
	p.stdin = keyboard
	return p, talk
}

func TestOnlyYesIsYes(t *testing.T) {
	for typed, want := range map[string]bool{"y\n": true, "YES \n": true, "\n": false, "n\n": false, "yesterday\n": false} {
		p, talk := asked(t, typed)
		if yes, err := p.ask(t.Context(), "sure?"); yes != want || err != nil || !strings.Contains(talk(), "escenv: sure? [y/N] ") {
			t.Errorf("%q: %v, %v\n%s", typed, yes, err, talk())
		}
	}
}

// TestCtrlCEndsAQuestion: the question does not wait for the answer then.
func TestCtrlCEndsAQuestion(t *testing.T) {
	p, talk := asked(t, "half an answ")
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	yes, err := p.ask(ctx, "sure?")
	if yes || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", yes, err)
	}
	before := talk()
	if status := p.report(fmt.Errorf("asking: %w", err)); status != 130 || talk() != before {
		t.Errorf("status %d, and it says %q", status, talk())
	}
}
