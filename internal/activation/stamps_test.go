package activation_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/activation"
)

func newStamps(t *testing.T) activation.Stamps {
	return activation.Stamps{Dir: filepath.Join(tree(t, nil), "run", "escenv"), UID: os.Getuid()}
}

func TestAStampHasTheTimeToTheNanosecond(t *testing.T) {
	s := newStamps(t)
	at := time.Unix(1700000000, 123456789)
	path, err := s.At(at)
	must(t, err)
	again, err := s.At(at)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if !info.ModTime().Equal(at) || again != path || info.Mode() != 0o600 {
		t.Errorf("%s has %v, %v", path, info.ModTime(), info.Mode())
	}
	if other, _ := s.At(at.Add(1)); other == path {
		t.Error("one nanosecond later is the same stamp")
	}
	must(t, os.Chtimes(path, at, at.Add(time.Second))) // spoilt
	_, err = s.At(at)
	must(t, err)
	if info, _ := os.Stat(path); !info.ModTime().Equal(at) {
		t.Error("a spoilt stamp is not mended")
	}
}

func TestTheGenerationHasAStampUntilItIsTouched(t *testing.T) {
	s := newStamps(t)
	first, err := s.OfGeneration()
	must(t, err)
	if again, _ := s.OfGeneration(); again != first {
		t.Error("the generation changed by itself")
	}
	must(t, s.Touch(noon))
	if after, _ := s.OfGeneration(); after == first {
		t.Error("a touch is not seen")
	}
	info, err := os.Stat(s.Generation())
	must(t, err)
	must(t, s.Touch(noon.Add(-24*time.Hour))) // the clock went back
	if again, err := os.Stat(s.Generation()); err != nil || !again.ModTime().After(info.ModTime()) {
		t.Errorf("after a touch it is not newer: %v, %v", again, err)
	}
}

func TestOldStampsGo(t *testing.T) {
	s := newStamps(t)
	path, err := s.At(noon)
	must(t, err)
	must(t, s.Prune(time.Now().Add(-time.Hour)))
	if _, err := os.Stat(path); err != nil {
		t.Error("a new stamp is gone")
	}
	must(t, s.Prune(time.Now().Add(time.Hour)))
	if _, err := os.Stat(path); err == nil {
		t.Error("an old stamp is still there")
	}
}

// TestSquattedRuntimeDirectory: below /tmp somebody else may have made the
// directory first, to feed this shell a generation file or follow a link.
func TestSquattedRuntimeDirectory(t *testing.T) {
	for name, squat := range map[string]func(dir string) error{
		"open to others": func(dir string) error { return os.Chmod(dir, 0o777) },
		"a link": func(dir string) error {
			if err := os.Rename(dir, dir+"2"); err != nil {
				return err
			}
			return os.Symlink(dir+"2", dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStamps(t)
			must(t, os.MkdirAll(s.Dir, 0o700))
			must(t, squat(s.Dir))
			if path, err := s.At(noon); err == nil {
				t.Errorf("it was used: %s", path)
			}
			if err := s.Touch(noon); err == nil {
				t.Error("it was used for the generation")
			}
		})
	}
	s := newStamps(t)
	must(t, os.MkdirAll(s.Dir, 0o700))
	s.UID++
	if _, err := s.At(noon); err == nil {
		t.Error("another user's directory was used")
	}
}
