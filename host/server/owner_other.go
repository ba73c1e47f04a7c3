//go:build !linux

package server

import "net"

// tcpOwner can't tell here: the pass alone has to do.
func tcpOwner(_, _ *net.TCPAddr) (uid int, known bool) { return 0, false }
