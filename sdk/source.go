package sdk

import (
	"embed"
	"io/fs"
)

// Plugins that do not call Source do not carry it.
//
//go:embed go.mod go.sum *.go provider sdktest
var source embed.FS

// Source is this module itself, as it was when the program was built: `openvibez plugin new` lays a copy of it beside a
// new plugin.
func Source() fs.FS { return source }
