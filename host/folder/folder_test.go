package folder

import (
	"os"
	"path/filepath"
	"testing"
)

func TestADirectoryIsKnownAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	make := func() ID {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		id, err := Of(dir)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := make()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Rename(dir, dir+"2"); err != nil {
		t.Fatal(err)
	}
	for name, look := range map[string]func() (ID, error){"moved": func() (ID, error) { return Of(dir + "2") }, "open": func() (ID, error) { return OfFile(f) }} {
		if id, err := look(); err != nil || !id.Same(first) || id.String() != first.String() {
			t.Errorf("%s: %v, %v; it was %v", name, id, err, first)
		}
	}
	if second := make(); second.Same(first) || second.String() == first.String() {
		t.Errorf("%v and %v are the same", first, second)
	}
	if err := os.Symlink(dir, dir+"3"); err == nil {
		if id, err := Of(dir + "3"); err == nil {
			t.Errorf("a link is %v", id)
		}
	}
}
