package e2e

import (
	"flag"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Versitygw refuses issuers on loopback and private addresses, rightly. So its
// test has a network of its own: a namespace with nothing but a loopback
// interface, on which a documentation address stands for the issuer's.
const (
	issuerHost    = "issuer.test"
	issuerAddress = "192.0.2.1"
	skipNamespace = "ESCENV_E2E_SKIP_NETNS"
)

// inNamespace reports whether the test runs in a network of its own. If not it
// runs the test once more, in one.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceBin) != "" {
		enterNamespace(t)
		return true
	}
	if os.Getenv(skipNamespace) == "1" {
		t.Skip(skipNamespace + "=1")
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.run", sameTest(t))
	cmd.Env = append(os.Environ(), namespaceBin+"="+lab.bin)
	cmd.SysProcAttr = namespaces()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("%v: this test needs root or unprivileged user namespaces; %s=1 does without it", err, skipNamespace)
	}
	t.Logf("in a network namespace:\n%s", out)
	if err != nil {
		t.Fail()
	}
	return false
}

// sameTest narrows what -run says to this test.
func sameTest(t *testing.T) string {
	_, subtests, found := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	if !found {
		return "^" + t.Name() + "$"
	}
	return "^" + t.Name() + "$/" + subtests
}

// namespaces asks for a network and mounts of one's own, and for the right to
// set them up where one is not root.
func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// enterNamespace makes issuerHost an address of this machine, here only.
func enterNamespace(t *testing.T) {
	t.Helper()
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Fatal(err)
	}
	file := lab.output(t, "hosts")
	defer file.Close()
	file.Write(append(hosts, "\n"+issuerAddress+" "+issuerHost+"\n"...))
	file.Chmod(0o644)
	for _, err := range []error{
		syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
		syscall.Mount(file.Name(), "/etc/hosts", "", syscall.MS_BIND, ""),
		exec.Command("ip", "link", "set", "lo", "up").Run(),
		exec.Command("ip", "address", "add", issuerAddress+"/32", "dev", "lo").Run(),
	} {
		if err != nil {
			t.Fatalf("setting up the namespace: %v", err)
		}
	}
}
