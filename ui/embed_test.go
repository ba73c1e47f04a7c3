package ui

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"strings"
	"testing"
)

func TestFilesAlwaysHaveAPage(t *testing.T) {
	page, err := fs.ReadFile(Files(), "index.html")
	if err != nil {
		t.Fatalf("read index.html: %v", err)
	}
	if !strings.Contains(string(page), "OpenVibez") {
		t.Errorf("index.html does not name OpenVibez: %.200s", page)
	}
	if Built() && strings.Contains(string(page), "make build") {
		t.Error("the placeholder is served although the window is built")
	}
}

func TestUnbuiltServesOnlyThePlaceholder(t *testing.T) {
	page, err := fs.ReadFile(unbuilt{}, "index.html")
	if err != nil {
		t.Fatalf("read index.html: %v", err)
	}
	if !strings.Contains(string(page), "make build") {
		t.Errorf("placeholder does not say how to build: %s", page)
	}
	if _, err := fs.Stat(unbuilt{}, "assets/app.js"); err == nil {
		t.Error("unbuilt has more than one file")
	}
}

// TestPageStaysLight keeps an eye on what a window has to read before it shows anything, and on all of it.
func TestPageStaysLight(t *testing.T) {
	if !Built() {
		t.Skip("needs the chat page: run `make build` with Node 20.19 or newer")
	}
	first, all := 0, 0
	err := fs.WalkDir(Files(), "assets", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(Files(), path)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(content) //nolint:errcheck // A buffer takes everything.
		w.Close()
		all += b.Len()
		if !strings.Contains(path, "highlight") {
			first += b.Len()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("compressed: %d kB before the first paint, %d kB in all", first/1000, all/1000)
	if first > 150_000 || all > 200_000 {
		t.Errorf("the page has %d kB to read before it shows anything, and %d kB in all: 150 and 200 are the most", first/1000, all/1000)
	}
}
