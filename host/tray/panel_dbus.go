//go:build unix && !darwin

package tray

import (
	"fmt"

	"github.com/godbus/dbus/v5"
)

// noBus is why there can't be an icon where no desktop is.
const noBus = "there is no session bus here and so no tray, as is usual over SSH and in containers"

// PanelProblem says why no panel shows a tray icon now; "" if one does.
func PanelProblem() string {
	// Not the usual way to connect: that one would start a bus where there is none.
	bus, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return noBus
	}
	defer bus.Close()
	if err := bus.Auth(nil); err != nil {
		return fmt.Sprintf("the session bus does not let us in: %v", err)
	}
	if err := bus.Hello(); err != nil {
		return fmt.Sprintf("the session bus does not answer: %v", err)
	}
	var there bool
	if err := bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, statusNotifierWatcher).Store(&there); err != nil {
		return fmt.Sprintf("the session bus does not answer: %v", err)
	}
	if !there {
		return "nothing on this desktop shows tray icons (GNOME needs its AppIndicator extension)"
	}
	return ""
}
