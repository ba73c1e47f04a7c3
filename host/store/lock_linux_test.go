package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// heir holds the lock of a database after its owner has ended, as a process does that was just being started.
func heir(t *testing.T, path string) (end func()) {
	t.Helper()
	owner := exec.Command("true")
	if err := owner.Run(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, owner.Process.Pid)
	child := exec.Command("sleep", "60")
	child.ExtraFiles = []*os.File{f}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}
	t.Cleanup(end)
	return end
}

// A lock whose owner is gone is waited for, a little.
func TestLockOutlivesItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	end := heir(t, path)
	go func() {
		time.Sleep(200 * time.Millisecond)
		end()
	}()
	s := openAt(t, path)
	send(t, s, "", "hi")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	heir(t, path)
	_, err := Open(t.Context(), Config{Path: path})
	var locked *LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("opened what is locked: %v", err)
	}
}
