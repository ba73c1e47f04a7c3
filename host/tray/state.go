package tray

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/openvibez/openvibez/host/client"
)

// Icon is the one icon of a host, and what is known about it.
type Icon struct {
	once sync.Once

	mu      sync.Mutex
	running bool
	problem string
}

// Start shows the icon until ctx ends; the first call does. It asks the host that listens on socket, as any client
// would, calls stop when the person wants the whole program to end, and changed when there is something else to know
// about the icon.
func (i *Icon) Start(ctx context.Context, socket string, stop, changed func(), log *slog.Logger) {
	i.once.Do(func() {
		i.set(true, "")
		changed()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := run(ctx, client.New(socket), stop, log); err != nil {
				log.Info("tray", "why", err)
				i.set(false, err.Error())
				changed()
			}
		}()
		// Where there can be none it says so at once, and a panel takes an icon in a moment.
		for range 20 {
			select {
			case <-ended:
				return
			case <-time.After(50 * time.Millisecond):
			}
			if _, problem := i.Shown(); problem != notYet {
				return
			}
		}
	})
}

func (i *Icon) set(running bool, problem string) {
	i.mu.Lock()
	i.running, i.problem = running, problem
	i.mu.Unlock()
}

// Shown tells whether an icon is shown and, if not, why.
func (i *Icon) Shown() (shown bool, problem string) {
	i.mu.Lock()
	running, problem := i.running, i.problem
	i.mu.Unlock()
	switch {
	case problem != "":
		return false, problem
	case !running:
		return false, "this host was started in the background; `openvibez` brings the icon"
	}
	if problem := iconProblem(); problem != "" {
		return false, problem
	}
	return true, ""
}
