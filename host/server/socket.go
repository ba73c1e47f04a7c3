package server

import (
	"fmt"
	"net"
	"os"
)

// listenPrivate listens on a unix socket that only its owner can use.
func listenPrivate(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for the command line: %w", err)
	}
	// The directory is closed to others, so nobody can come in between.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, fmt.Errorf("make the socket private: %w", err)
	}
	return &ownerListener{l.(*net.UnixListener)}, nil
}

// ownerListener accepts connections of the same user, and of root.
type ownerListener struct{ *net.UnixListener }

func (l *ownerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, known := peerUID(c); !known || uid == os.Getuid() || uid == 0 {
			return c, nil
		}
		_ = c.Close()
	}
}
