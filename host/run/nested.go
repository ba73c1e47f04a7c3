package run

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bounds of the search for repositories in a workspace.
const (
	maxNestedLook = 100_000
	maxNestedTime = 2 * time.Second
)

func isPattern(path string) bool { return strings.ContainsAny(path, "*?[") }

// nested finds the repositories below a workspace's root that a command's patterns may mean.
func nested(ctx context.Context, root string, patterns []string) []string {
	var found []string
	seen, until := 0, time.Now().Add(maxNestedTime)
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		seen++
		switch {
		case ctx.Err() != nil || seen > maxNestedLook || seen%256 == 0 && time.Now().After(until):
			return filepath.SkipAll
		case err != nil || !d.IsDir():
			return nil
		case d.Name() == ".git" || d.Name() == "node_modules":
			return filepath.SkipDir
		case path == root:
			return nil
		}
		if !slices.ContainsFunc(patterns, func(p string) bool { return mayMean(p, path) }) {
			return filepath.SkipDir // nor what is below
		}
		if _, err := os.Lstat(filepath.Join(path, ".git")); err == nil {
			found = append(found, path)
		}
		return nil
	})
	return found
}

// mayMean tells whether a pattern may stand for a directory, for something in it, or for one that it is in.
func mayMean(pattern, dir string) bool {
	if !isPattern(pattern) {
		return false
	}
	parts, names := strings.Split(pattern, string(filepath.Separator)), strings.Split(dir, string(filepath.Separator))
	for i := range min(len(parts), len(names)) {
		if parts[i] == "**" {
			return true
		}
		if ok, err := filepath.Match(parts[i], names[i]); !ok && err == nil {
			return false
		}
	}
	return true
}
