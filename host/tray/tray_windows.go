package tray

import (
	"context"
	"encoding/binary"
	"log/slog"
	"strings"

	"fyne.io/systray"
)

func awaitPanel(context.Context, *slog.Logger) error { return nil }

// setTrayIcon wraps a PNG of 64 pixels into the icon file that Windows wants.
func setTrayIcon(png []byte) {
	const header = 22
	ico := []byte{0, 0, 1, 0, 1, 0, 64, 64, 0, 0, 1, 0, 32, 0}
	ico = binary.LittleEndian.AppendUint32(ico, uint32(len(png)))
	ico = binary.LittleEndian.AppendUint32(ico, header)
	systray.SetIcon(append(ico, png...))
}

// menuText keeps ampersands from being read as access keys.
func menuText(s string) string { return strings.ReplaceAll(s, "&", "&&") }
