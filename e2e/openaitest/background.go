package openaitest

import (
	"fmt"
	"net/http"
)

// work goes on in the background.
type work struct {
	response map[string]any
	finished map[string]any
	looks    int
}

// later begins work in the background.
func (s *Server) later(w http.ResponseWriter, d *draft) {
	queued := with(d.response, "status", "queued")
	d.compose()
	s.mu.Lock()
	s.works[fmt.Sprint(queued["id"])] = &work{response: queued, finished: d.response}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, queued)
}

// look shows work in the background; with the looks it goes on.
func (s *Server) look(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.works[r.PathValue("id")]
	if found == nil {
		noWork(w, r)
		return
	}
	if status := found.response["status"]; status == "queued" || status == "in_progress" {
		found.looks++
		found.response = with(found.response, "status", "in_progress")
		if found.looks > s.cfg.Looks {
			found.response = found.finished
		}
	}
	writeJSON(w, http.StatusOK, found.response)
}

// cancel stops work in the background.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.works[r.PathValue("id")]
	if found == nil {
		noWork(w, r)
		return
	}
	if status := found.response["status"]; status == "completed" || status == "failed" {
		invalid(w, "", "", "Cannot cancel a completed response.")
		return
	}
	found.response = with(found.response, "status", "cancelled")
	writeJSON(w, http.StatusOK, found.response)
}

func noWork(w http.ResponseWriter, r *http.Request) {
	refuse(w, http.StatusNotFound, apiError{Message: fmt.Sprintf("Response with id '%s' not found.", r.PathValue("id")), Type: "invalid_request_error"})
}

// Status is how work in the background stands, by the id of its response; empty if there is none.
func (s *Server) Status(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.works[id]; found != nil {
		return fmt.Sprint(found.response["status"])
	}
	return ""
}
