//go:build darwin && !cgo

package main

import (
	"context"
	"errors"
	"log/slog"
)

func runTray(context.Context, *client, func(), *slog.Logger) error {
	return errors.New("this openvibez was built without cgo, which macOS needs for one")
}
