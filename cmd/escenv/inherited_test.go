package main

import (
	"slices"
	"testing"
)

// What the hook sets for escenv alone reaches nobody else.
func TestWhatTheHookSetsForEscenvAlone(t *testing.T) {
	for _, tt := range []struct {
		name          string
		environ, want []string
	}{
		{"by hand", []string{"A=1", "GOMAXPROCS=4"}, []string{"A=1", "GOMAXPROCS=4"}},
		{"the user has none", []string{"A=1", "GOMAXPROCS=1", "__ESCENV_GOMAXPROCS=", "B=2"}, []string{"A=1", "B=2"}},
		{"the user has one", []string{"__ESCENV_GOMAXPROCS=4", "GOMAXPROCS=1", "A=1"}, []string{"A=1", "GOMAXPROCS=4"}},
	} {
		if got := asInherited(slices.Clone(tt.environ)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
