//go:build unix

package tool

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe in the place of a file never ends, and holds nobody up.
func TestPipes(t *testing.T) {
	root := workspace(t, "a", "needle\n", "sub/b", "needle\n")
	for _, name := range []string{".gitignore", "sub/.gitignore", "pipe"} {
		if err := syscall.Mkfifo(filepath.Join(root, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if res := do(t, root, SearchFiles, "pattern", "needle"); res.Content != "a:1: needle\nsub/b:1: needle" {
		t.Errorf("found %q", res.Content)
	}
	want(t, do(t, root, ReadFile, "path", "pipe"), true, "named pipe")
	want(t, do(t, root, EditFile, "path", "pipe", "new_text", "x"), true, "named pipe")
}
