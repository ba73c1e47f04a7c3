package main

import (
	"context"
	"runtime/debug"
	"time"
)

// restAfter is how long nothing may have happened before memory is given back.
const restAfter = 2 * time.Second

// restWhenIdle gives memory back once after each time of use: what a start, an answer or a window needed is not kept for
// the next one.
func (h *host) restWhenIdle(ctx context.Context) {
	look := time.NewTicker(restAfter)
	defer look.Stop()
	rested := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		idle := h.server.Idle()
		used := time.Now().Add(-idle)
		if idle < restAfter || h.runs.Active() > 0 || used.Before(rested) {
			continue
		}
		rested = time.Now()
		debug.FreeOSMemory()
		if err := forgetProgram(); err != nil {
			h.log.Debug("give the program's pages back", "error", err)
		}
	}
}
