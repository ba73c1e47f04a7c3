package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/time/rate"
	"gopkg.in/natefinch/lumberjack.v2"
)

const (
	// maxLog is the size in MB at which a log is set aside; one that was set aside is kept.
	maxLog = 8
	// Bytes a second that the log may grow, and how many at once: whoever shouts fills no disk and wears none out.
	logRate  = 8 << 10
	logBurst = 1 << 20
)

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
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the log: %w", err)
	}
	var to io.WriteCloser = file
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		if err := file.Close(); err != nil {
			return nil, nil, fmt.Errorf("open the log: %w", err)
		}
		to = &lumberjack.Logger{Filename: path, MaxSize: maxLog, MaxBackups: 1}
	}
	var handler slog.Handler = slog.NewTextHandler(&bounded{to: to, limit: rate.NewLimiter(logRate, logBurst)}, &slog.HandlerOptions{Level: level})
	if terminal != nil {
		handler = slog.NewMultiHandler(handler, slog.NewTextHandler(terminal, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(handler), to, nil
}

// bounded passes lines on as long as they are not too many, and tells how many it left out. A handler calls it with a
// line at a time, one after the other.
type bounded struct {
	to    io.Writer
	limit *rate.Limiter
	left  int
}

func (b *bounded) Write(line []byte) (int, error) {
	if !b.limit.AllowN(time.Now(), min(len(line), logBurst)) {
		b.left++
		return len(line), nil
	}
	if b.left > 0 {
		left := b.left
		b.left = 0
		if _, err := fmt.Fprintf(b.to, "level=WARN msg=\"too much was logged; lines left out\" lines=%d\n", left); err != nil {
			return 0, err
		}
	}
	return b.to.Write(line)
}
