package sandbox

import (
	"net"
	"sync"

	"github.com/openvibez/openvibez/host/sandbox/box"
)

// A child is something started, with all that it started in turn.
type child struct {
	pid  int
	stop func()
	once sync.Once
	// What the helper listens on for the host, if that was wanted.
	listener net.Listener
	// Closed when all has ended; last and end are set before.
	done chan struct{}
	last box.Report
	end  string
}

// kill ends it and all that it started. Killing what has ended is no error.
func (c *child) kill() { c.once.Do(c.stop) }

// keep remembers c for Close.
func (s *Sandbox) keep(c *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[c] = struct{}{}
	s.work.Add(1)
	if s.closed {
		c.kill()
	}
}

func (s *Sandbox) forget(c *child) {
	s.mu.Lock()
	delete(s.running, c)
	s.mu.Unlock()
	s.work.Done()
}
