package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLogStaysSmall(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "host.log")
	// Nearly full already.
	if err := os.WriteFile(path, []byte(strings.Repeat("an old line of the log\n", maxLog<<20/23)), 0o600); err != nil {
		t.Fatal(err)
	}
	log, file, err := openLog(func(string) string { return "" }, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 100_000 {
		log.Info("shouting", "text", strings.Repeat("x", 100))
	}
	log.Info("the end")
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("%d files, want the log and one that was set aside", len(entries))
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > maxLog<<20 {
			t.Errorf("%s has %d bytes", e.Name(), info.Size())
		}
		if e.Name() == "host.log" && info.Size() > 2*logBurst {
			t.Errorf("the log grew by %d bytes at once", info.Size())
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v", e.Name(), info.Mode())
		}
	}
}
