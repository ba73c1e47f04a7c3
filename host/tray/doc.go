// Package tray shows the icon in the panel, which knows what any client of the API can know.
//
// Promise: the host never waits for a panel. In reading order: state.go (the one icon), tray.go (what is shown),
// icon.go (the menu), then what differs between systems.
package tray
