package ollamatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Version of the Ollama server that is built.
const Version = "v0.34.2"

const module = "github.com/ollama/ollama@" + Version

// MissingError says what this machine lacks to build the server, and how to get it.
type MissingError struct {
	What, Remedy string
	Err          error
}

func (e *MissingError) Error() string {
	text := fmt.Sprintf("a real Ollama needs %s: %s", e.What, e.Remedy)
	if e.Err != nil {
		text += " (" + e.Err.Error() + ")"
	}
	return text
}

func (e *MissingError) Unwrap() error { return e.Err }

// Build makes sure that the server is in the cache and returns its path. The first time takes some minutes of CPU and
// downloads the source from the Go module proxy.
func Build(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache directory: %w", err)
	}
	toolchain, _, _ := strings.Cut(runtime.Version(), " ")
	dir := filepath.Join(cache, "openvibez", "ollama-"+Version+"-"+toolchain)
	path := filepath.Join(dir, "ollama"+exe())
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make cache directory: %w", err)
	}
	// Tests of several packages start at the same time; one of them builds.
	unlock, err := lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("wait for another build: %w", err)
	}
	defer unlock()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if err := require(ctx); err != nil {
		return "", err
	}
	if err := golang(ctx, dir, "install", module); err != nil {
		return "", fmt.Errorf("build Ollama %s: %w", Version, err)
	}
	return path, nil
}

// require checks for what the build needs and a machine may not have.
func require(ctx context.Context) error {
	if _, err := exec.LookPath("go"); err != nil {
		return &MissingError{What: "the Go toolchain", Remedy: "install it from https://go.dev/dl and put it on PATH"}
	}
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "gcc"
	}
	if _, err := exec.LookPath(strings.Fields(compiler)[0]); err != nil {
		return &MissingError{What: "a C compiler", Remedy: "install gcc, on Debian with `apt install gcc`"}
	}
	if err := golang(ctx, os.TempDir(), "mod", "download", module); err != nil {
		return &MissingError{What: "its source", Remedy: "give access to a Go module proxy (GOPROXY)", Err: err}
	}
	return nil
}

// golang runs the go command outside of our own modules; what it installs goes to dir.
func golang(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOWORK=off", "GOFLAGS=", "GO111MODULE=on", "CGO_ENABLED=1", "GOOS=", "GOARCH=")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, tail(output.String(), 10))
	}
	return nil
}

// buildEngine compiles the engine stand-in to a path. The current directory must be inside of our module.
func buildEngine(ctx context.Context, path string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/openvibez/openvibez/e2e/llamaserver")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the scripted engine: %w\n%s", err, tail(string(output), 10))
	}
	return nil
}

func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
