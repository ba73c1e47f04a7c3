package openaitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// event is one event of a stream; the name goes before it in the Responses API.
type event struct {
	name string
	data map[string]any
	// delta is a piece of the answer.
	delta bool
}

// write sends a stream with whatever is to go wrong with it. done is the line after the last event, if there is one.
func (s *Server) write(w http.ResponseWriter, r *http.Request, events []event, how reply, done string) {
	if !s.wait(r, how.late) {
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	pause := how.pause
	if pause == 0 {
		pause = s.cfg.Pause
	}
	events = distort(events, how.fault)
	// In the middle of what is said, where there is anything.
	middle, deltas := len(events)/2, 0
	for i, ev := range events {
		if ev.delta {
			deltas++
		}
		if deltas == 5 {
			middle = i
			break
		}
	}
	for i, ev := range events {
		if i == middle && !s.midway(w, r, how.fault) {
			return
		}
		data, err := json.Marshal(ev.data)
		if err != nil {
			return
		}
		var line bytes.Buffer
		if ev.name != "" {
			fmt.Fprintf(&line, "event: %s\n", ev.name)
		}
		fmt.Fprintf(&line, "data: %s\n\n", data)
		if _, err := w.Write(line.Bytes()); err != nil {
			return
		}
		if ev.delta && pause > 0 {
			_ = flush.Flush()
			if !s.wait(r, pause) {
				return
			}
		}
	}
	if done != "" && how.fault != unended {
		_, _ = io.WriteString(w, "data: "+done+"\n\n")
	}
	if how.fault == hold {
		_ = flush.Flush()
		s.wait(r, time.Hour)
	}
}

// midway does what happens in the middle of a stream; false if it is over then.
func (s *Server) midway(w http.ResponseWriter, r *http.Request, f fault) bool {
	flush := http.NewResponseController(w)
	switch f {
	case cut:
		_ = flush.Flush()
		panic(http.ErrAbortHandler)
	case stall:
		_ = flush.Flush()
		s.wait(r, time.Hour)
		return false
	case garble:
		_, _ = io.WriteString(w, "data: {\"type\":\"response.output_text.delta\",\"del\n\n")
	case unknown:
		_, _ = io.WriteString(w, ": a comment\n\nevent: response.sparkle\nid: 7\nretry: 100\ndata: {\"type\":\"response.sparkle\",\"delta\":{\"colour\":\"blue\"},\"output_index\":\"none\"}\n\n")
	}
	return true
}

// distort does to events what can be done beforehand.
func distort(events []event, f fault) []event {
	var out []event
	switch f {
	case twice:
		for _, ev := range events {
			out = append(out, ev, ev)
		}
	case shuffle:
		out = append(out, events...)
		for i := 0; i+1 < len(out); i += 2 {
			out[i], out[i+1] = out[i+1], out[i]
		}
	case lost:
		for i, ev := range events {
			if !ev.delta || i%3 != 0 {
				out = append(out, ev)
			}
		}
	case renumber:
		for _, ev := range events {
			if _, numbered := ev.data["sequence_number"]; numbered {
				ev.data["sequence_number"] = 0
			}
			out = append(out, ev)
		}
	case unended:
		return events[:len(events)-1]
	default:
		return events
	}
	return out
}

// wait waits, unless the client leaves or the server is closed before.
func (s *Server) wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
	case <-s.closed:
	}
	return false
}
