package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// idleExit is how long a host that was started for one question stays without being used.
const idleExit = 10 * time.Minute

// executable is this program's file, behind any links to it: what belongs to it lies beside it.
func executable() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's own file: %w", err)
	}
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		exe = real
	}
	return exe, nil
}

// windowProgram is where the window of exe is.
func windowProgram(exe string) string {
	name := "openvibez-window"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(filepath.Dir(exe), name)
}

// host gives a client of the running host.
func (a *app) host(ctx context.Context) (*client, error) {
	d, err := findDirs(a.getenv)
	if err != nil {
		return nil, err
	}
	return connectHost(ctx, d)
}

// hostOrStart gives a client of the running host, starting one in the background if there is none.
func (a *app) hostOrStart(ctx context.Context) (*client, error) {
	d, err := findDirs(a.getenv)
	if err != nil {
		return nil, err
	}
	c, err := connectHost(ctx, d)
	if !errors.Is(err, errNoHost) {
		return c, err
	}
	if err := d.create(); err != nil {
		return nil, err
	}
	exe, err := executable()
	if err != nil {
		return nil, err
	}
	outPath := filepath.Join(d.log, "background.log")
	out, err := os.OpenFile(outPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the host's log: %w", err)
	}
	defer out.Close()
	cmd := exec.Command(exe, "--detached", "--idle", idleExit.String())
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = ownSession()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the host: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for {
		if c, err := connectHost(ctx, d); !errors.Is(err, errNoHost) {
			return c, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limit.C:
			return nil, &unreachableError{fmt.Errorf("the host was started and does not answer; its log is %s", d.logFile())}
		case <-ended:
			// It may have found that another one was a moment earlier.
			if c, err := connectHost(ctx, d); err == nil {
				return c, nil
			}
			return nil, &exitError{exitFailed, fmt.Errorf("the host did not start: %s", lastWords(outPath))}
		}
	}
}

// lastWords is what a program that ended complained about.
func lastWords(path string) string {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	said := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(text)), "openvibez:"))
	if said == "" {
		return "it said nothing"
	}
	return said
}
