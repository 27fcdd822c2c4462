package projection_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
)

func fallback(uid int) string { return "/dev/shm/escenv-" + strconv.Itoa(uid) + "/files" }

// insideVariable is set in a test process that has mounts of its own.
const insideVariable = "PROJECTION_TEST_INSIDE"

// TestFullDisk runs itself again where it may mount a small file system.
func TestFullDisk(t *testing.T) {
	if os.Getenv(insideVariable) != "" {
		testFullDisk(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) && os.Getenv("CI") != "true" {
		t.Skip("this system lets nobody but root mount a file system")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestFullDisk") {
		t.Errorf("%v\n%s", err, out)
	}
}

func testFullDisk(t *testing.T) {
	t.Helper()
	disk := t.TempDir()
	private := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if private == syscall.EINVAL {
		private = nil // after chroot(8), / is no mount
	}
	if err := errors.Join(private, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k,mode=0700")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, 0) })
	base := filepath.Join(disk, "escenv", "files")
	run := open(t, base, os.Getpid())
	big := file("BIG", strings.Repeat("x", 128<<10))

	_, err := run.Write([]esc.File{file("SMALL", "x"), big})
	var e *esc.Error
	if !errors.As(err, &e) || e.Kind != esc.Unavailable || !strings.HasSuffix(e.Summary, " is full") || e.Hint != "df -h "+disk {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(map[string]string{".": "drwx------"}, tree(t, base)); diff != "" {
		t.Errorf("the first time, %s", diff)
	}

	write(t, run, file("SMALL", "old"), file("BIG", "old"))
	before := tree(t, base)
	if _, err := run.Write([]esc.File{file("SMALL", "new"), big}); err == nil {
		t.Error("128 KiB fit into 64")
	}
	if diff := cmp.Diff(before, tree(t, base)); diff != "" {
		t.Errorf("at a renewal, %s", diff)
	}
}
