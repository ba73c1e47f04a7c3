package server

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// Another user's program gets nothing, whatever it brings.
func TestOtherUsersAreRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user: run it with sudo")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is missing: apt-get install curl")
	}
	f := start(t)
	b := f.browser(byBrowser)
	for _, path := range []string{statusCall, "/", "/auth"} {
		args := []string{
			"-sS", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "-H", passHeader + ": " + b.pass,
			"-H", "Content-Type: application/json", "-d", "{}", b.base + path,
		}
		for uid, refused := range map[uint32]bool{0: false, 65534: true} {
			cmd := exec.Command(curl, args...)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
			out, err := cmd.CombinedOutput()
			if err != nil || (string(out) == "403") != refused {
				t.Errorf("%s as user %d: %s %v", path, uid, out, err)
			}
		}
	}
}

// Programs come through IPv6 sockets too: the kernel keeps those in another table.
func TestOwnerOfConnections(t *testing.T) {
	for _, family := range []int{syscall.AF_INET, syscall.AF_INET6} {
		testOwner(t, family)
	}
}

func testOwner(t *testing.T, family int) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Skipf("no sockets of family %d here: %v", family, err)
	}
	defer func() { _ = syscall.Close(fd) }()
	port := l.Addr().(*net.TCPAddr).Port
	var to syscall.Sockaddr = &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	if family == syscall.AF_INET6 {
		to = &syscall.SockaddrInet6{Port: port, Addr: [16]byte{10: 0xff, 11: 0xff, 12: 127, 15: 1}}
	}
	if err := syscall.Connect(fd, to); err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	here, there := s.LocalAddr().(*net.TCPAddr), s.RemoteAddr().(*net.TCPAddr)
	if uid, known := tcpOwner(here, there); known && uid != os.Getuid() {
		t.Errorf("family %d: the other end is user %d, want %d", family, uid, os.Getuid())
	}
	if uid, known := tcpOwner(here, &net.TCPAddr{IP: there.IP, Port: 1}); known && uid != -1 {
		t.Errorf("nobody's connection is user %d", uid)
	}
}
