//go:build darwin && !cgo

package tray

import (
	"context"
	"errors"
	"log/slog"

	"github.com/openvibez/openvibez/host/client"
)

func run(context.Context, *client.Client, func(), *slog.Logger) error {
	return errors.New("this openvibez was built without cgo, which macOS needs for one")
}
