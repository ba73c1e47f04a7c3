package plugin

import (
	"io/fs"
	"syscall"
	"time"
)

func changedAt(info fs.FileInfo) time.Time {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(s.Ctim.Sec, s.Ctim.Nsec) //nolint:unconvert // Other machines have other sizes.
	}
	return time.Time{}
}
