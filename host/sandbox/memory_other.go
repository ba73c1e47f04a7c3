//go:build !linux

package sandbox

// totalMemory is not asked for where nothing is enforced.
func totalMemory() int64 { return 4 << 30 }
