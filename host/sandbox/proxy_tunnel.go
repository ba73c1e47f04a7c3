package sandbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// helloTime is how long a client may take to say for whom its TLS is.
const helloTime = 15 * time.Second

// accessDenied is a TLS alert, so that a client says more than "connection closed".
var accessDenied = []byte{0x15, 3, 3, 0, 2, 2, 49}

// tunnel joins a command's connection with that to a granted host.
type tunnel struct {
	host string
	// What is no TLS may pass too.
	anything bool
	down, up net.Conn
	early    []byte
	touched  atomic.Int64
	ending   sync.Once
}

func (t *tunnel) close() {
	t.ending.Do(func() {
		_ = t.down.Close()
		_ = t.up.Close()
	})
}

// run copies both ways until both have ended, or nothing moves for a while. The error says why the client's beginning
// was not let through.
func (t *tunnel) run() error {
	t.touch()
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.copy(t.down, t.up, nil)
	}()
	hello, err := t.begin()
	if err != nil {
		_, _ = t.down.Write(accessDenied)
		t.close()
		<-done
		return err
	}
	t.copy(t.up, t.down, hello)
	<-done
	return nil
}

// begin reads what a client sends first, and looks at it if it is TLS.
func (t *tunnel) begin() ([]byte, error) {
	var seen bytes.Buffer
	from := io.TeeReader(io.MultiReader(bytes.NewReader(t.early), t.down), &seen)
	if !t.anything {
		_ = t.down.SetReadDeadline(time.Now().Add(helloTime))
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(from, first); err != nil {
		return nil, nil
	}
	const handshake = 0x16
	if first[0] != handshake {
		if t.anything {
			return seen.Bytes(), nil
		}
		return nil, errors.New("what was sent to port 443 is not TLS")
	}
	_ = t.down.SetReadDeadline(time.Now().Add(helloTime))
	name, err := serverName(io.MultiReader(bytes.NewReader(first), from))
	if err != nil {
		return nil, err
	}
	if asked, err := hostName(name); err != nil || asked != t.host {
		return nil, fmt.Errorf("the TLS inside the tunnel is for %q, not for %s", name, t.host)
	}
	t.touched.Store(0)
	t.touch()
	return seen.Bytes(), nil
}

// serverName reads the beginning of a TLS connection up to the name it is for.
func serverName(r io.Reader) (string, error) {
	var name string
	found := errors.New("found")
	err := tls.Server(readOnly{r}, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		name = h.ServerName
		return nil, found
	}}).HandshakeContext(context.Background())
	if !errors.Is(err, found) {
		return "", fmt.Errorf("read the beginning of TLS: %w", err)
	}
	return name, nil
}

// copy moves bytes one way. When the command has sent all, the server is told; when the server has, all is over.
func (t *tunnel) copy(to, from net.Conn, head []byte) {
	buffer := make([]byte, 32<<10)
	if len(head) > 0 {
		if _, err := to.Write(head); err != nil {
			t.close()
			return
		}
	}
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			t.touch()
			if _, err := to.Write(buffer[:n]); err != nil {
				t.close()
				return
			}
		}
		if errors.Is(err, io.EOF) {
			if half, ok := to.(*net.TCPConn); ok && to == t.up && half.CloseWrite() == nil {
				return
			}
		}
		if err != nil {
			t.close()
			return
		}
	}
}

// touch puts off the end of a connection that moves. It costs a system call at most once a second.
func (t *tunnel) touch() {
	now := time.Now()
	last := t.touched.Load()
	if now.UnixNano()-last < int64(time.Second) || !t.touched.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	_ = t.down.SetDeadline(now.Add(proxyIdle))
	_ = t.up.SetDeadline(now.Add(proxyIdle))
}

// readOnly is a connection that can only be read.
type readOnly struct{ io.Reader }

func (readOnly) Write(b []byte) (int, error)      { return len(b), nil }
func (readOnly) Close() error                     { return nil }
func (readOnly) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (readOnly) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (readOnly) SetDeadline(time.Time) error      { return nil }
func (readOnly) SetReadDeadline(time.Time) error  { return nil }
func (readOnly) SetWriteDeadline(time.Time) error { return nil }
