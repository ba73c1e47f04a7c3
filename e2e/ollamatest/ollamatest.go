// Package ollamatest runs a real Ollama server for tests, with models whose answers are scripted.
//
// The server is built once from its published source with the Go toolchain and a C compiler, and kept in the user's
// cache directory. Only the engine that picks the next word is ours (see e2e/llamaserver): type one of its keys, such
// as "hello", "weather", "think", "count 100", "endless" or "die", and the model does what the script says.
package ollamatest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Names of the scripted models.
const (
	Tools    = "scripted:latest"         // calls tools
	Plain    = "scripted-plain:latest"   // neither tools nor thinking
	Thinking = "scripted-think:latest"   // thinks and calls tools
	Vision   = "scripted-vision:latest"  // takes images
	Small    = "scripted-small:latest"   // remembers 256 tokens, of 4 bytes each
	NoModel  = "scripted-missing:latest" // is not there
)

// Config says how a server is to be. The zero Config is the ordinary one.
type Config struct {
	// Directory holds the server's home and models; empty: a temporary one.
	Directory string
	// LoadTime is how long the engine takes to load a model.
	LoadTime time.Duration
	// Parallel is how many requests a model answers at once; 0: one.
	Parallel int
	// Empty leaves the models out.
	Empty bool
	// Address to listen on; empty: a free port of 127.0.0.1.
	Address string
}

// Start runs an ordinary server until the test ends. It skips the test where the server cannot be built because something is
// missing, unless CI=true. It reads the cache directory from the environment: call it before changing HOME.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, Config{})
}

// StartWith is Start for a server that is not the ordinary one.
func StartWith(t testing.TB, cfg Config) *Server {
	t.Helper()
	if cfg.Directory == "" {
		cfg.Directory = t.TempDir()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	server, err := Run(ctx, cfg)
	var missing *MissingError
	if errors.As(err, &missing) && os.Getenv("CI") != "true" {
		t.Skip(missing.Error())
	}
	if err != nil {
		t.Fatalf("start Ollama: %v", err)
	}
	t.Cleanup(func() {
		server.Stop()
		if t.Failed() {
			t.Logf("Ollama said at the end:\n%s", tail(server.Log(), 40))
		}
	})
	return server
}

// Log is what the server has written so far.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Journal lists what became of the requests that reached the engine, one `event "key"` each: start, end, cancel, die
// or refuse. A request that waits for its turn has not reached it.
func (s *Server) Journal() []string {
	text, err := os.ReadFile(s.journalPath())
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func (s *Server) logPath() string     { return filepath.Join(s.directory, "ollama.log") }
func (s *Server) journalPath() string { return filepath.Join(s.directory, "engine.log") }

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
