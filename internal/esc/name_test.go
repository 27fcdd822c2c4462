package esc_test

import (
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/esc"
)

func TestIsVariableName(t *testing.T) {
	for _, good := range []string{"A", "_", "a1_B", strings.Repeat("x", 128)} {
		if !esc.IsVariableName(good) {
			t.Errorf("%q is a name", good)
		}
	}
	for _, bad := range []string{"", "1A", "A-B", "A B", "A=", "Ä", "A\x00", "A\n", "$(id)", strings.Repeat("x", 129)} {
		if esc.IsVariableName(bad) {
			t.Errorf("%q is no name", bad)
		}
	}
}
