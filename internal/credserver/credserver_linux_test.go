package credserver_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/escenv/escenv/internal/credserver"
)

// TestAnotherUser has users ask who know address and token.
func TestAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be several users")
	}
	const owner, other = 4242, 4343
	e, _ := serve(t, always, owner)
	for name, tc := range map[string]struct {
		uid    int
		family int
		allow  bool
	}{
		"the user":                   {owner, syscall.AF_INET, true},
		"another":                    {other, syscall.AF_INET, false},
		"root":                       {0, syscall.AF_INET, true},
		"the user, as Java connects": {owner, syscall.AF_INET6, true},
		"another, as Java connects":  {other, syscall.AF_INET6, false},
	} {
		t.Run(name, func(t *testing.T) {
			status, err := askAs(t, e, tc.uid, tc.family)
			if tc.allow && (err != nil || status != http.StatusOK) || !tc.allow && err == nil {
				t.Errorf("got %d, %v", status, err)
			}
		})
	}
}

// askAs asks for credentials over a connection of a user's.
func askAs(t *testing.T, e *credserver.Endpoint, uid, family int) (status int, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", e.Token)
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return dialAs(uid, family, req.URL)
	}}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// dialAs connects with a socket of a user's, over IPv4 by either protocol. A
// thread is that user for a moment.
func dialAs(uid, family int, u *url.URL) (net.Conn, error) {
	runtime.LockOSThread() // for ever: the thread ends with its goroutine
	const same = ^uintptr(0)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, same, uintptr(uid), same); errno != 0 {
		return nil, errno
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	port, _ := strconv.Atoi(u.Port())
	var to syscall.Sockaddr = &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	if family == syscall.AF_INET6 {
		to = &syscall.SockaddrInet6{Port: port, Addr: [16]byte{10: 0xff, 11: 0xff, 12: 127, 15: 1}}
	}
	if err := syscall.Connect(fd, to); err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	return net.FileConn(f)
}
