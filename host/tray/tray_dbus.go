//go:build unix && !darwin

package tray

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"fyne.io/systray"
	"github.com/godbus/dbus/v5"
)

const statusNotifierWatcher = "org.kde.StatusNotifierWatcher"

// awaitPanel waits until something on this desktop shows tray icons, or until ctx ends. From then on it registers the
// icon anew whenever another panel takes over.
func awaitPanel(ctx context.Context, log *slog.Logger) error {
	// A connection of our own: systray stops listening on the shared one when it sees a signal it does not expect.
	bus, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return errors.New(noBus)
	}
	if err := bus.Auth(nil); err != nil {
		bus.Close()
		return fmt.Errorf("the session bus does not let us in: %w", err)
	}
	if err := bus.Hello(); err != nil {
		bus.Close()
		return fmt.Errorf("the session bus does not answer: %w", err)
	}
	context.AfterFunc(ctx, func() { bus.Close() })
	owners := make(chan *dbus.Signal, 16)
	bus.Signal(owners)
	if err := bus.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"),
		dbus.WithMatchArg(0, statusNotifierWatcher)); err != nil {
		return fmt.Errorf("watch for a panel: %w", err)
	}
	var there bool
	if err := bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, statusNotifierWatcher).Store(&there); err != nil {
		return fmt.Errorf("look for a panel: %w", err)
	}
	if !there {
		log.Info("no tray yet: nothing on this desktop shows tray icons (GNOME needs its AppIndicator extension)")
	}
	for !there {
		if there = nextPanel(ctx, owners); !there {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("the session bus went away")
		}
	}
	go func() {
		for {
			asked, cancel := context.WithCancel(ctx)
			go keepRegistered(asked, log)
			more := nextPanel(ctx, owners)
			cancel()
			if !more {
				return
			}
		}
	}()
	return nil
}

// nextPanel waits for a panel to take over and reports whether one did.
func nextPanel(ctx context.Context, owners <-chan *dbus.Signal) bool {
	for {
		select {
		case s, open := <-owners:
			if !open {
				return false
			}
			if len(s.Body) == 3 && s.Body[0] == statusNotifierWatcher && s.Body[2] != "" {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// keepRegistered makes sure that a panel takes the icon. systray asks it once; one that can't take it yet, or has
// nothing behind its name, is asked again, ever more rarely.
func keepRegistered(ctx context.Context, log *slog.Logger) {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		if iconProblem() == "" {
			return
		}
		shared, err := dbus.SessionBus()
		if err != nil {
			log.Warn("tray: reach the panel", "error", err)
			return
		}
		panel := shared.Object(statusNotifierWatcher, "/StatusNotifierWatcher")
		if err := panel.CallWithContext(ctx, statusNotifierWatcher+".RegisterStatusNotifierItem", 0, "/StatusNotifierItem").Err; err != nil && wait == time.Second {
			log.Warn("tray: register with the panel", "error", err)
		}
	}
}

func setTrayIcon(png []byte) { systray.SetIcon(png) }

// menuText keeps underscores from being read as access keys.
func menuText(s string) string { return strings.ReplaceAll(s, "_", "__") }
