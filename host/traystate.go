package main

import (
	"context"
	"sync"
	"time"
)

// trayState is what is known about the icon.
type trayState struct {
	once sync.Once

	mu      sync.Mutex
	running bool
	problem string
}

// startTray shows the icon, once.
func (h *host) startTray(ctx context.Context) {
	h.tray.once.Do(func() {
		h.tray.set(true, "")
		h.server.Touch()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			err := runTray(ctx, newClient(h.dirs.socket()), func() { h.stop(errQuit) }, h.log)
			if err != nil {
				h.log.Info("tray", "why", err)
				h.tray.set(false, err.Error())
				h.server.Touch()
			}
		}()
		// Where there can be none it says so at once.
		select {
		case <-ended:
		case <-time.After(300 * time.Millisecond):
		}
	})
}

func (t *trayState) set(running bool, problem string) {
	t.mu.Lock()
	t.running, t.problem = running, problem
	t.mu.Unlock()
}

// get tells whether an icon is shown and, if not, why.
func (t *trayState) get() (shown bool, problem string) {
	t.mu.Lock()
	running, problem := t.running, t.problem
	t.mu.Unlock()
	switch {
	case problem != "":
		return false, problem
	case !running:
		return false, "this host was started in the background; `openvibez` brings the icon"
	}
	if problem := panelProblem(); problem != "" {
		return false, problem
	}
	return true, ""
}
