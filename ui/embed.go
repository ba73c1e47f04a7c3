// Package ui carries the built chat window inside the program.
package ui

import (
	"embed"
	"io/fs"
)

// dist is what `npm run build` leaves; in a fresh checkout it holds only .gitkeep.
//
//go:embed all:dist
var dist embed.FS

//go:embed placeholder.html
var placeholder []byte

// Built tells whether the window was built into this program.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}

// Files is the window's files with index.html at the root, or, where it was not built, one page that says how to.
func Files() fs.FS {
	if !Built() {
		return unbuilt{}
	}
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return unbuilt{}
	}
	return files
}
