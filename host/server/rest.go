package server

import (
	"net/http"
	"path"
	"time"
)

// restAfter is how long nothing may have been asked for before Config.Rest is called.
const restAfter = 2 * time.Second

// count keeps track of who uses the server. Streams that only wait are use of the program, but not of its memory: our own
// tray's is one.
func (s *Server) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.busy.Add(1)
		waits := waits(r.URL.Path)
		if !waits {
			s.working.Add(1)
		}
		defer func() {
			s.lastUsed.Store(time.Now().UnixNano())
			s.busy.Add(-1)
			if !waits {
				s.working.Add(-1)
			}
			s.worked()
		}()
		next.ServeHTTP(w, r)
	})
}

// waits tells of requests that are answered bit by bit for as long as a client is there.
func waits(url string) bool { return path.Base(url) == "Watch" || url == "/window" }

// worked is called when something was done that took memory.
func (s *Server) worked() {
	if s.Config.Rest != nil {
		s.rest.Reset(s.restAfter)
	}
}

// tryRest lets the program rest if nothing goes on; else it tries again when that is over.
func (s *Server) tryRest() {
	select {
	case <-s.closing:
		return
	default:
	}
	if s.working.Load() > 0 || s.Runs.Active() > 0 {
		s.worked()
		return
	}
	s.Config.Rest()
}

// Idle tells for how long nobody has used the server: no call, no stream, no window, no page.
func (s *Server) Idle() time.Duration {
	if s.busy.Load() > 0 {
		return 0
	}
	return time.Since(time.Unix(0, s.lastUsed.Load()))
}
