// Package icon holds the program's icon as files, drawn by draw.go.
package icon

import _ "embed"

//go:generate go run draw.go

// App is the program's icon: a PNG of 256 pixels.
//
//go:embed app.png
var App []byte

// Tray is the icon for a panel, readable on light and on dark: a PNG of 64 pixels.
//
//go:embed tray.png
var Tray []byte

// TrayBusy is Tray with a dot that says an answer is on its way.
//
//go:embed tray-busy.png
var TrayBusy []byte

// TrayTemplate is Tray in black only, for panels that colour it themselves (macOS).
//
//go:embed tray-template.png
var TrayTemplate []byte
