package esc_test

import (
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/esc"
)

func TestDidYouMean(t *testing.T) {
	words := []string{"region", "endpoint", "roleArn", "sessionName", "x", "a"}
	for _, tt := range []struct{ written, want string }{
		{"regoin", "did you mean region?"},
		{"rolearn", "did you mean roleArn?"},
		{"session_name", "did you mean sessionName?"},
		{"Region", "did you mean region?"},
		{"x", "did you mean x?"},
		{"X", "did you mean x?"},
		{"b", ""},
		{"something else", ""},
		{strings.Repeat("region", 1000), ""},
	} {
		if got := esc.DidYouMean(tt.written, words); got != tt.want {
			t.Errorf("DidYouMean(%q) = %q, want %q", tt.written, got, tt.want)
		}
	}
}

// Words that are much longer or shorter do not count, however many there are.
func TestDidYouMeanAmongMany(t *testing.T) {
	var near, far []string
	for range 1001 {
		near, far = append(near, "regiom"), append(far, "something else")
	}
	if got := esc.DidYouMean("regoin", append(far, "region")); got != "did you mean region?" {
		t.Errorf("among many that are far: %q", got)
	}
	if got := esc.DidYouMean("regoin", near); got != "" {
		t.Errorf("among too many that are near: %q", got)
	}
}
