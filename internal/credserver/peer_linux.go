package credserver

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// peerUID returns whose the other end of a loopback connection is. It is not
// known if the system does not list it, as when it was closed meanwhile.
func peerUID(peer, local *net.TCPAddr) (uid int, known bool) {
	for file, form := range map[string]func(*net.TCPAddr) string{
		"/proc/net/tcp":  tableAddr,
		"/proc/net/tcp6": mappedAddr, // programs that speak both have IPv4 addresses here
	} {
		if uid, known = findUID(file, form(peer), form(local)); known {
			return uid, true
		}
	}
	return 0, false
}

// findUID looks for a connection from one end to the other in one of the
// kernel's tables.
func findUID(file, from, to string) (uid int, found bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		const local, remote, owner = 1, 2, 7
		fields := strings.Fields(lines.Text())
		if len(fields) > owner && fields[local] == from && fields[remote] == to {
			uid, err = strconv.Atoi(fields[owner])
			return uid, err == nil
		}
	}
	return 0, false
}

// tableAddr returns an IPv4 address as the kernel's tables have it, the address
// as a number in the machine's own byte order.
func tableAddr(a *net.TCPAddr) string {
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(a.IP.To4()), a.Port)
}

// mappedAddr returns it as the table of IPv6 has it.
func mappedAddr(a *net.TCPAddr) string {
	return fmt.Sprintf("%016X%08X", 0, binary.NativeEndian.Uint32([]byte{0, 0, 0xff, 0xff})) + tableAddr(a)
}
