//go:build cgo

package tray

import (
	"context"
	"log/slog"

	"fyne.io/systray"

	"github.com/openvibez/openvibez/ui/icon"
)

func awaitPanel(context.Context, *slog.Logger) error { return nil }

// setTrayIcon leaves the colour to the menu bar.
func setTrayIcon(png []byte) { systray.SetTemplateIcon(icon.TrayTemplate, png) }

func menuText(s string) string { return s }
