package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/place"
)

// Stop ends the host, if one runs, and waits until it has.
func Stop(ctx context.Context, d place.Dirs) error {
	c, err := Connect(ctx, d)
	if errors.Is(err, ErrNoHost) {
		return nil
	}
	if err != nil {
		return err
	}
	status, err := c.Host.GetStatus(ctx, &apiv1.GetStatusRequest{})
	if err != nil {
		return err
	}
	if _, err := c.Host.Stop(ctx, &apiv1.StopRequest{}); err != nil {
		return err
	}
	// Whoever starts the next one right away shall find the place free.
	for range 200 {
		if _, err := os.Stat(d.Address()); errors.Is(err, fs.ErrNotExist) || !Alive(int(status.Host.GetPid())) {
			return nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return fmt.Errorf("the host (process %d) has not ended yet", status.Host.GetPid())
}

// Alive tells whether a process exists.
func Alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }()
	return runtime.GOOS == "windows" || p.Signal(syscall.Signal(0)) == nil
}
