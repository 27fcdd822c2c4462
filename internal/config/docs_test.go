package config_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/escenv/escenv/internal/config"
)

// Every setting that docs/identity.md shows is one.
func TestTheIdentityPagesSettings(t *testing.T) {
	page, err := os.ReadFile("../../docs/identity.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(\\w+: .*?)` \\|").FindAllSubmatch(page, -1)
	if len(rows) != 5 {
		t.Fatalf("the page shows %d sources of tokens", len(rows))
	}
	for _, row := range rows {
		if _, err := config.Load(write(t, "identity: {"+string(row[1])+"}\n")); err != nil {
			t.Errorf("%s: %v", row[1], err)
		}
	}
}
