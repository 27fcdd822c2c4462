package esc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

func TestOneLine(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{
		{"plain words", 20, "plain words"},
		{" two\nlines\tand\r\n more ", 40, "two lines and more"},
		{"red \x1b[31malert\x1b[0m", 40, "red [31malert [0m"},
		{"hidden\u202e order \u200b\xff", 40, "hidden order"},
		{"zwölf Zeichen lang", 13, "zwölf Zeiche…"},
		{"", 5, ""},
	} {
		if got := esc.OneLine(tt.text, tt.limit); got != tt.want {
			t.Errorf("OneLine(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}

// What a token presents can be shown; the token cannot.
func TestTokenClaims(t *testing.T) {
	token := esc.Token{
		JWT:      esc.NewSecret("canary-token"),
		Issuer:   "https://issuer.example",
		Subject:  "line\nbreak" + strings.Repeat("x", 500),
		Audience: []string{"a", "b"},
		Expires:  time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
	}
	got := token.Claims()
	if want := "iss=https://issuer.example aud=a,b sub=line breakxx"; !strings.HasPrefix(got, want) {
		t.Errorf("Claims() = %q, want the beginning %q", got, want)
	}
	if !strings.HasSuffix(got, "… exp=2026-11-23T12:00:00Z") || strings.Contains(got, "canary") {
		t.Errorf("Claims() = %q", got)
	}
}
