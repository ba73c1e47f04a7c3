//go:build unix && !darwin

package tray

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// noBus is why there can't be an icon where no desktop is.
const noBus = "there is no session bus here and so no tray, as is usual over SSH and in containers"

// PanelProblem says why no panel shows a tray icon now; "" if one does.
func PanelProblem() string {
	bus, problem := sessionBus()
	if problem != "" {
		return problem
	}
	defer bus.Close()
	_, problem = panelItems(bus)
	return problem
}

// iconProblem says why the panel does not show this program's icon; "" if it does.
func iconProblem() string {
	bus, problem := sessionBus()
	if problem != "" {
		return problem
	}
	defer bus.Close()
	items, problem := panelItems(bus)
	if problem != "" || items == nil {
		return problem
	}
	for _, item := range items {
		// ":1.42/StatusNotifierItem", also with an @ before the path
		name, _, _ := strings.Cut(item, "/")
		var pid uint32
		err := bus.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, strings.TrimSuffix(name, "@")).Store(&pid)
		if err == nil && int(pid) == os.Getpid() {
			return ""
		}
	}
	return notYet
}

// notYet is why there is no icon where a panel could show it.
const notYet = "the panel has not taken the icon yet; it is asked again"

// sessionBus connects to the bus of the desktop. Not in the usual way: that one would start a bus where there is none.
func sessionBus() (*dbus.Conn, string) {
	bus, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return nil, noBus
	}
	if err := bus.Auth(nil); err != nil {
		bus.Close()
		return nil, fmt.Sprintf("the session bus does not let us in: %v", err)
	}
	if err := bus.Hello(); err != nil {
		bus.Close()
		return nil, fmt.Sprintf("the session bus does not answer: %v", err)
	}
	return bus, ""
}

// panelItems are the icons that a panel shows, nil if it does not tell; or why there is no panel that does.
func panelItems(bus *dbus.Conn) (items []string, problem string) {
	var there bool
	if err := bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, statusNotifierWatcher).Store(&there); err != nil {
		return nil, fmt.Sprintf("the session bus does not answer: %v", err)
	}
	if !there {
		return nil, "nothing on this desktop shows tray icons (GNOME needs its AppIndicator extension)"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var value dbus.Variant
	err := bus.Object(statusNotifierWatcher, "/StatusNotifierWatcher").
		CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, statusNotifierWatcher, "RegisteredStatusNotifierItems").Store(&value)
	var refused dbus.Error
	switch {
	case err == nil:
		items, _ = value.Value().([]string)
		return items, ""
	case errors.As(err, &refused) && (refused.Name == "org.freedesktop.DBus.Error.UnknownProperty" || refused.Name == "org.freedesktop.DBus.Error.InvalidArgs"):
		// It knows nothing of this property, which says nothing about icons.
		return nil, ""
	}
	return nil, fmt.Sprintf("what should show tray icons on this desktop does not answer: %v", err)
}
