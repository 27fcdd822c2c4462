package proc_test

import (
	"testing"

	"github.com/escenv/escenv/internal/proc"
)

func TestAnotherNamespacesProcessIsNotVisible(t *testing.T) {
	for _, started := range []string{"", "12", "12.", "12.1", "12.x"} {
		if proc.Visible(started) {
			t.Errorf("%q is visible", started)
		}
	}
}
