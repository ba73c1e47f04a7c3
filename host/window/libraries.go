package window

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Problem says why the window's program can't run; "" if it can. It is started without an order, which it refuses
// in its own words, unless its libraries are missing: then the system's loader speaks first.
func Problem(program string) string {
	if _, err := os.Stat(program); err != nil {
		return "openvibez-window is not installed beside openvibez"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "openvibez-window can't be started: " + err.Error()
	}
	if strings.Contains(said.String(), "standard input") {
		return ""
	}
	if words := complaint(said.String()); words != "" {
		return words
	}
	return "openvibez-window says nothing"
}

// complaint is the line that matters in what the window printed: its own last one, else the first.
func complaint(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	words := lines[0]
	for _, line := range lines {
		if own, ok := strings.CutPrefix(line, "openvibez-window: "); ok {
			words = own
		}
	}
	if strings.Contains(words, "loading shared libraries") {
		words += " (on Debian and Ubuntu: apt-get install libwebkit2gtk-4.1-0)"
	}
	return strings.TrimSpace(words)
}
