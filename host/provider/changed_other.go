//go:build !linux

package provider

import (
	"io/fs"
	"time"
)

func changedAt(fs.FileInfo) time.Time { return time.Time{} }
