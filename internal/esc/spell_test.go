package esc_test

import (
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/esc"
)

func TestDidYouMean(t *testing.T) {
	words := []string{"region", "endpoint", "roleArn", "sessionName"}
	for _, tt := range []struct{ written, want string }{
		{"regoin", "did you mean region?"},
		{"rolearn", "did you mean roleArn?"},
		{"session_name", "did you mean sessionName?"},
		{"Region", "did you mean region?"},
		{"x", ""},
		{"something else", ""},
		{strings.Repeat("region", 1000), ""},
	} {
		if got := esc.DidYouMean(tt.written, words); got != tt.want {
			t.Errorf("DidYouMean(%q) = %q, want %q", tt.written, got, tt.want)
		}
	}
}
