//go:build !escenv_light

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/render"
)

// The command line offers exactly what the agent can write.
func TestFormatsAreThoseOfTheAgent(t *testing.T) {
	ours, theirs := formats(), render.Formats()
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("%q, and the agent knows %q", ours, theirs)
	}
	for _, format := range formats() {
		if render.OfVariables(format) != slices.Contains(variableFormats[:], format) {
			t.Errorf("%s is a format of variables here or there, but not both", format)
		}
	}
}

// unescape is what the runner of GitHub Actions does to a command's data.
func unescape(data string) string {
	return strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(data)
}

func FuzzMasks(f *testing.F) {
	f.Add("hunter2", "a\r\nb%0A")
	f.Add("%", "::add-mask::x\n::set-env::y")
	f.Fuzz(func(t *testing.T, a, b string) {
		lines := strings.Split(masks([]string{a, b}), "\n")
		if len(lines) != 3 || lines[2] != "" {
			t.Fatalf("%q", lines)
		}
		for i, secret := range []string{a, b} {
			data, ok := strings.CutPrefix(lines[i], "::add-mask::")
			if !ok || unescape(data) != secret || strings.Contains(data, "\r") {
				t.Errorf("%q is masked by %q", secret, lines[i])
			}
		}
	})
}

func TestHiddenFromTheLog(t *testing.T) {
	disk, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	if !hidden(disk) || !hidden(nowhere) || hidden(write) {
		t.Error("a file and nowhere are hidden, and a pipe is not")
	}
	write.Close()
	if !hidden(write) {
		t.Error("what is closed is read by nobody")
	}
}
