package hooks_test

import (
	"os"
	"testing"
)

// TestWithTheRealAgent: a definition on disk reaches the shell, and an edit of
// it reaches the shell again.
func TestWithTheRealAgent(t *testing.T) {
	for _, name := range shellNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := emptyHouse(t)
			must(t, os.MkdirAll(h.path("home/.config/escenv/environments/shop"), 0o700))
			definition := "home/.config/escenv/environments/shop/dev.yaml"
			h.write(definition, "values:\n  environmentVariables:\n    AWS_ACCESS_KEY_ID: one\n    PATH: /evil\n")
			t.Cleanup(func() { h.escenv(".", "agent", "stop") })
			h.escenv("shop", "allow", "--yes")
			s := h.start(t, name, "out", "", "")
			text := s.run("cd " + h.path("shop"))
			s.wantText(text, "escenv: loaded shop/dev: +AWS_ACCESS_KEY_ID")
			s.wantText(text, "PATH is left out")
			s.wantKey("one")
			h.write(definition, "values:\n  environmentVariables:\n    AWS_ACCESS_KEY_ID: two\n")
			s.awaitKey("two")
			h.escenv(".", "agent", "stop")
			h.write(definition, "values:\n  environmentVariables:\n    AWS_ACCESS_KEY_ID: three\n")
			s.run("cd " + h.path("out"))
			s.wantKey("")
			s.run("cd " + h.path("shop"))
			s.wantKey("three")
		})
	}
}
