package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// A step is a line that is typed and what it must show.
type step struct {
	line  string
	fails bool   // the line's status must not be 0
	shows string // a regular expression; empty for anything
	never string // likewise, for what must not be there
}

// steps are escenv's main job.
func (d *demo) steps() []step {
	const lost = "Unable to locate credentials"
	return []step{
		{line: "# Nothing here has AWS credentials."},
		{line: "aws s3 ls", fails: true, shows: lost},
		{line: "# A project's .escenv names an environment. It counts once you allow it."},
		{line: "cd shop", shows: "escenv allow"},
		{line: "cat .escenv", shows: demoEnv},
		{line: "escenv allow --yes"},
		{line: "aws s3 ls", shows: demoBucket, never: lost},
		{line: "aws s3 ls s3://" + demoBucket + "/2026/11/", shows: `receipt-1041\.txt`},
		{line: "# One command, with what is secret masked on the screen:"},
		{line: `escenv exec -- sh -c 'echo "the payment key is $PAYMENT_KEY"'`, shows: `the payment key is \[secret\]`},
		{line: "# Leave, and it is all gone:"},
		{line: "cd .."},
		{line: "aws s3 ls", fails: true, shows: lost},
		{line: "cd shop", never: "escenv allow"},
		{line: "# Allowed already: back at once. The session is real, and ends by itself:"},
		{line: "escenv status", shows: demoEnv},
		{line: "cd .."},
	}
}

// tour types every step and looks at the screen.
func (d *demo) tour(ctx context.Context, s *screen) error {
	const reading = 250 * time.Millisecond
	for _, step := range d.steps() {
		shown, status, err := s.enter(ctx, step.line)
		if err != nil {
			return err
		}
		if err := step.check(plainText(shown), status); err != nil {
			return err
		}
		if strings.Contains(s.text(), d.secret) {
			return fmt.Errorf("%s: the secret was on the screen", step.line)
		}
		d.pause(ctx, reading)
	}
	return d.checkCloud(ctx)
}

func (st step) check(shown string, status int) error {
	comment := strings.HasPrefix(st.line, "#") // it keeps the status of what was before
	switch {
	case !comment && st.fails != (status != 0):
		return fmt.Errorf("%s: status %d\n%s", st.line, status, shown)
	case !regexp.MustCompile(st.shows).MatchString(shown):
		return fmt.Errorf("%s: did not show %q\n%s", st.line, st.shows, shown)
	case st.never != "" && regexp.MustCompile(st.never).MatchString(shown):
		return fmt.Errorf("%s: showed %q\n%s", st.line, st.never, shown)
	}
	return nil
}

// plainText is what a person reads of text.
func plainText(text string) string {
	return strings.ReplaceAll(regexp.MustCompile(`\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\a]*\a|[()][A-B0-2]|[=>])`).ReplaceAllString(text, ""), "\r", "")
}

// checkCloud looks from the other side: one token was exchanged, once.
func (d *demo) checkCloud(context.Context) error {
	if n := d.site.Cloud.Calls("AssumeRoleWithWebIdentity"); n != 1 {
		return fmt.Errorf("STS was asked %d times for credentials, not once", n)
	}
	return nil
}

// play hands the shell to the person until they leave it.
func (d *demo) play(ctx context.Context, s *screen) error {
	if _, _, err := s.enter(ctx, "# Now you: cd shop, escenv status, escenv open "+demoEnv+" ... and exit, which removes it all."); err != nil {
		return err
	}
	before, err := term.MakeRaw(int(d.stdin.Fd()))
	if err != nil {
		return err
	}
	defer func() { _ = term.Restore(int(d.stdin.Fd()), before) }() // there is no other way to say so
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	go func() { _, _ = io.Copy(s.pty, d.stdin) }() // ends with the process
	for {
		_ = pty.InheritSize(d.stdin, s.pty) // the old size does, too
		select {
		case <-resized:
		case <-s.gone:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
