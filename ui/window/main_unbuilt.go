//go:build !webview

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, `This openvibez-window was built without a web view, so it can't show anything.

On Debian and Ubuntu:
    apt-get install pkg-config libgtk-3-dev libwebkit2gtk-4.1-dev
    make build

OpenVibez works without it: it opens the chat in the browser.`)
	os.Exit(2)
}
