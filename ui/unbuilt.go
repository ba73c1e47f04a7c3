package ui

import (
	"bytes"
	"io/fs"
	"time"
)

// unbuilt is a file system of one file, index.html, that says how to build the window.
type unbuilt struct{}

func (unbuilt) Open(name string) (fs.File, error) {
	if name != "index.html" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &page{Reader: bytes.NewReader(placeholder)}, nil
}

// page is the open index.html, and its own description.
type page struct{ *bytes.Reader }

func (p *page) Stat() (fs.FileInfo, error) { return pageInfo{}, nil }
func (p *page) Close() error               { return nil }

type pageInfo struct{}

func (pageInfo) Name() string       { return "index.html" }
func (pageInfo) Size() int64        { return int64(len(placeholder)) }
func (pageInfo) Mode() fs.FileMode  { return 0o444 }
func (pageInfo) ModTime() time.Time { return time.Time{} }
func (pageInfo) IsDir() bool        { return false }
func (pageInfo) Sys() any           { return nil }
