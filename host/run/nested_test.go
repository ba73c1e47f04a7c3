package run

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestNested(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"a/.git", "b/c/.git", "b/d", "[x]/.git", "node_modules/m/.git"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string][]string{
		"*": {"[x]", "a", "b/c"}, "*/": {"[x]", "a", "b/c"}, "a/*": {"a"}, "b/*/x": {"b/c"}, "b/d*": nil, "**": {"[x]", "a", "b/c"}, "*/Makefile": {"[x]", "a"}, "plain": nil,
		"[ab]/x*": {"a"}, "[ab]/[c]/x": {"a", "b/c"},
	} {
		got := nested(t.Context(), root, []string{root + "/plain", filepath.Join(root, pattern)})
		for i := range got {
			got[i], _ = filepath.Rel(root, got[i])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
	}
}
