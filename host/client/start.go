package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/openvibez/openvibez/host/place"
	"github.com/openvibez/openvibez/host/terminal"
)

// idleExit is how long a host that was started for one question stays without being used.
const idleExit = 10 * time.Minute

// Running gives a client of the running host.
func Running(ctx context.Context, getenv func(string) string) (*Client, error) {
	d, err := place.Find(getenv)
	if err != nil {
		return nil, err
	}
	return Connect(ctx, d)
}

// Ensure gives a client of the running host, starting one in the background if there is none.
func Ensure(ctx context.Context, getenv func(string) string) (*Client, error) {
	d, err := place.Find(getenv)
	if err != nil {
		return nil, err
	}
	c, err := Connect(ctx, d)
	if !errors.Is(err, ErrNoHost) {
		return c, err
	}
	if err := d.Create(); err != nil {
		return nil, err
	}
	exe, err := place.Executable()
	if err != nil {
		return nil, err
	}
	outPath := filepath.Join(d.Log, "background.log")
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
		if c, err := Connect(ctx, d); !errors.Is(err, ErrNoHost) {
			return c, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limit.C:
			return nil, &UnreachableError{Err: fmt.Errorf("the host was started and does not answer; its log is %s", d.LogFile())}
		case <-ended:
			// It may have found that another one was a moment earlier.
			if c, err := Connect(ctx, d); err == nil {
				return c, nil
			}
			return nil, terminal.Fail(terminal.Failed, fmt.Errorf("the host did not start: %s", lastWords(outPath)))
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
