package ui

import (
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
