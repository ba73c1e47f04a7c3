//go:build !linux

package plugin

import (
	"io/fs"
	"time"
)

func changedAt(fs.FileInfo) time.Time { return time.Time{} }
