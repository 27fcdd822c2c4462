package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// namespaceBin is set for the part of the run that is in a network namespace:
// the directory with the programs that the first part built.
const namespaceBin = "ESCENV_E2E_NAMESPACE_BIN"

// A laboratory is what the tests of one run share.
type laboratory struct {
	dir    string // holds all that the run writes; removed after it
	bin    string // escenv, escenv-agent and aws, first on every PATH
	canary *canary
}

// lab is set up by TestMain, before any test.
var lab *laboratory

func TestMain(m *testing.M) {
	if file := os.Getenv(countedFile); file != "" {
		os.Exit(count(file, os.Args[1:]))
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if lab, err = newLaboratory(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(lab.dir)
	stop := lab.canary.watchCommandLines()
	status := m.Run()
	stop()
	if leaks := lab.canary.search(lab.dir); len(leaks) > 0 {
		for _, leak := range leaks {
			fmt.Println("canary: ", leak)
		}
		return 1
	}
	fmt.Println(lab.canary)
	return status
}

func newLaboratory() (*laboratory, error) {
	// Short, because a unix socket's path may have 108 bytes.
	dir, err := os.MkdirTemp("/tmp", "esc")
	if err != nil {
		return nil, err
	}
	l := &laboratory{dir: dir, bin: filepath.Join(dir, "bin"), canary: newCanary()}
	if inside := os.Getenv(namespaceBin); inside != "" {
		l.bin = inside
		return l, nil
	}
	if err := l.build(); err != nil {
		return nil, err
	}
	return l, l.installAWS()
}

// build makes both programs as a release has them, installer and all.
func (l *laboratory) build() error {
	cmd := exec.Command("../install.sh", "--quiet")
	cmd.Env = append(os.Environ(), "PREFIX="+l.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("install.sh: %w\n%s", err, out)
	}
	return nil
}

// output makes a file that what a program prints is kept in, for the canary.
func (l *laboratory) output(t *testing.T, name string) *os.File {
	t.Helper()
	dir := filepath.Join(l.dir, "output")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(dir, name+"-")
	if err != nil {
		t.Fatal(err)
	}
	return f
}
