package escenv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// maxFaults is how many more pages of memory escenv export touches than an empty
// program does, where there is nothing to do. Each costs about two microseconds,
// and there is little else that starting a program costs.
const maxFaults = 64

// TestStartingTouchesLittle counts page faults of the build that prompts wait for.
func TestStartingTouchesLittle(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getpagesize() != 4096 {
		t.Skip("counted on Linux with pages of 4 KiB")
	}
	dir := t.TempDir()
	empty, light := filepath.Join(dir, "empty"), lightBuild(t, dir)
	if err := os.WriteFile(empty+".go", []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	goBuild(t, "-o", empty, empty+".go")
	none, all := faults(t, empty), faults(t, light, "export", "bash")
	if all-none > maxFaults {
		t.Errorf("it touches %d pages, an empty program %d: want at most %d more", all, none, maxFaults)
	}
}

// TestTheStackGrowsBeforeAllElse looks at the order in which packages are
// initialized: first come those that make it grow.
func TestTheStackGrowsBeforeAllElse(t *testing.T) {
	cmd := exec.Command(lightBuild(t, t.TempDir()), "export", "bash")
	cmd.Dir, cmd.Env = "/", []string{"HOME=" + t.TempDir(), "GODEBUG=inittrace=1"}
	trace, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, trace)
	}
	var order []string
	for _, match := range regexp.MustCompile(`(?m)^init (\S+) @`).FindAllStringSubmatch(string(trace), -1) {
		order = append(order, match[1])
	}
	mine := slices.IndexFunc(order, func(name string) bool { return strings.HasSuffix(name, "/internal/headroom") })
	if godebug := slices.Index(order, "internal/godebug"); mine < 0 || godebug < mine {
		t.Errorf("packages are initialized in the order %v", order)
	}
}

// lightBuild builds the part of escenv that prompts wait for as it is installed.
func lightBuild(t *testing.T, dir string) string {
	t.Helper()
	light := filepath.Join(dir, "escenv")
	goBuild(t, "-tags", "urfave_cli_no_docs escenv_light", "-o", light, "./cmd/escenv")
	return light
}

func goBuild(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// faults returns the fewest page faults of some runs where there is no .escenv.
func faults(t *testing.T, argv ...string) int64 {
	t.Helper()
	var all []int64
	for range 20 {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir, cmd.Env = "/", []string{"HOME=" + t.TempDir(), "GOMAXPROCS=1", "XDG_RUNTIME_DIR=" + filepath.Dir(argv[0])}
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v", argv, err)
		}
		all = append(all, cmd.ProcessState.SysUsage().(*syscall.Rusage).Minflt)
	}
	return slices.Min(all)
}
