package store

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody runs f as a user who may write nothing here; who is not root is one already.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := unix.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := unix.Setfsuid(0); err != nil {
				t.Fatal(err)
			}
		}()
	}
	f()
}

func TestOpenReadOnly(t *testing.T) {
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "db")
	s := openAt(t, path)
	send(t, s, "", "hi")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	refused := func(path string) {
		t.Helper()
		asNobody(t, func() {
			s, err := Open(t.Context(), Config{Path: path})
			if err == nil {
				_ = s.Close()
			}
			wantErr(t, err, ErrReadOnly, path, "OPENVIBEZ_HOME")
		})
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path+".lock", 0o666); err != nil {
		t.Fatal(err)
	}
	refused(path)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	refused(path)
	refused(filepath.Join(dir, "new.db"))
	refused(filepath.Join(dir, "below", "new.db"))
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}
