package server

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// tcpOwner asks the kernel whose socket is at the other end of a connection within this machine. Somebody it can't name
// is nobody's user.
func tcpOwner(here, there *net.TCPAddr) (uid int, known bool) {
	// A program may have come through an IPv6 socket, which is in the other table.
	for _, table := range []struct {
		path string
		ip   func(net.IP) []byte
	}{
		{"/proc/net/tcp", func(ip net.IP) []byte { return ip.To4() }},
		{"/proc/net/tcp6", func(ip net.IP) []byte { return ip.To16() }},
	} {
		name := func(a *net.TCPAddr) string { return kernelAddress(table.ip(a.IP), a.Port) }
		if uid, found := socketOwner(table.path, name(there), name(here)); found {
			return uid, true
		}
	}
	return -1, true
}

// kernelAddress writes an address as the tables do: words in this machine's order of bytes.
func kernelAddress(ip []byte, port int) string {
	var b strings.Builder
	for ; len(ip) >= 4; ip = ip[4:] {
		fmt.Fprintf(&b, "%08X", binary.NativeEndian.Uint32(ip))
	}
	fmt.Fprintf(&b, ":%04X", port)
	return b.String()
}

func socketOwner(path, local, remote string) (uid int, found bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		const established, uidColumn = "01", 7
		col := strings.Fields(lines.Text())
		if len(col) <= uidColumn || col[1] != local || col[2] != remote || col[3] != established {
			continue
		}
		if uid, err := strconv.Atoi(col[uidColumn]); err == nil {
			return uid, true
		}
	}
	return 0, false
}
