package server

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerUID asks the kernel who is at the other end. Somebody it can't name is nobody's user.
func peerUID(c *net.UnixConn) (uid int, known bool) {
	uid = -1
	raw, err := c.SyscallConn()
	if err != nil {
		return uid, true
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED); err == nil {
			uid = int(cred.Uid)
		}
	})
	return uid, true
}
