package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// maxLog is the size at which a log is set aside when the host starts.
const maxLog = 8 << 20

// openLog opens the host's log as OPENVIBEZ_LOG wants it: a level, a file, or both with a comma between them. In a
// terminal, warnings are shown there too.
func openLog(getenv func(string) string, path string, terminal io.Writer) (*slog.Logger, io.Closer, error) {
	level := slog.LevelInfo
	for _, part := range strings.Split(getenv("OPENVIBEZ_LOG"), ",") {
		switch part = strings.TrimSpace(part); {
		case part == "":
		case strings.ContainsAny(part, `/\`):
			path = part
		default:
			if err := level.UnmarshalText([]byte(part)); err != nil {
				return nil, nil, fmt.Errorf("OPENVIBEZ_LOG says %q: write debug, info, warn or error, the path of a file, or both with a comma between them", part)
			}
		}
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, nil, fmt.Errorf("set the old log aside: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the log: %w", err)
	}
	var handler slog.Handler = slog.NewTextHandler(file, &slog.HandlerOptions{Level: level})
	if terminal != nil {
		handler = slog.NewMultiHandler(handler, slog.NewTextHandler(terminal, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(handler), file, nil
}
