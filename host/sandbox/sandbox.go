package sandbox

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/openvibez/openvibez/host/policy"
)

// Config is what a sandbox needs to know.
type Config struct {
	// Helper is the path of openvibez-sandbox. Without it the level is "none".
	Helper string
	// CacheDir holds one directory for each workspace with what toolchains keep between commands. It must not be
	// reachable by anybody else.
	CacheDir string
	// RuntimeDir is a private directory with a short path, for sockets and other things of the moment.
	RuntimeDir string
	Logger     *slog.Logger
	Getenv     func(string) string
}

// Sandbox runs commands and plugins in boxes of their own.
type Sandbox struct {
	config Config
	log    *slog.Logger
	home   string
	dialer PublicDialer // how commands get to granted hosts
	shown  sync.Once
	system systemView
	git    sync.Once
	author string

	copies copies // of programs

	groups groups
	tested sync.Once
	report Report

	mu      sync.Mutex
	closed  bool
	running map[*child]struct{}
	work    sync.WaitGroup
}

// New makes a sandbox. It starts nothing yet.
func New(c Config) *Sandbox {
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	home := c.Getenv("HOME")
	if resolved, err := filepath.EvalSymlinks(home); err == nil && filepath.IsAbs(resolved) {
		home = resolved
	}
	lost := slices.ContainsFunc(systemDirs(), func(dir string) bool { return within(dir, home) }) && !isDir(home)
	if !filepath.IsAbs(home) || home == "/" || lost {
		home = "/home/nobody"
	}
	return &Sandbox{config: c, log: c.Logger, home: filepath.Clean(home), running: map[*child]struct{}{}}
}

// Options are how a command is run.
type Options struct {
	// Timeout ends the command with all it started; 0 is none.
	Timeout time.Duration
	// MaxOutput is how many bytes of each stream are kept, from its head and its tail; 0 is 64 KiB.
	MaxOutput int
	// Stdout and Stderr get everything as it comes.
	Stdout, Stderr io.Writer
	// Private is a directory, made where it is missing, that keeps the command's /tmp and home for the next one that is
	// given it. Without one they vanish with the command.
	Private string
	// Started is told the number of the process that stands for the command.
	Started func(pid int)
}

// Result is what came of a command that was started.
type Result struct {
	// ExitCode is 128 and the number for signals.
	ExitCode int
	TimedOut bool
	// Problem says why the sandbox ended it, as for too much memory.
	Problem string
	// Refused are hosts that it tried to reach and that were not granted.
	Refused []string
	// Told is what else did not get through the proxy, and why.
	Told           []string
	Stdout, Stderr Output
	Duration       time.Duration
}

// ErrClosed says that the sandbox was closed.
var ErrClosed = errors.New("the sandbox is closed")

// Close ends everything that runs in it and returns when it has ended.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	s.closed = true
	for c := range s.running {
		c.kill()
	}
	s.mu.Unlock()
	s.work.Wait()
	s.groups.close()
	return nil
}

// Level is what can be enforced here; see Report.
func (s *Sandbox) Level(ctx context.Context) policy.Level { return s.Report(ctx).Level }
