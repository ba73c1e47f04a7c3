//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "openvibez-sandbox: this system has no sandbox that OpenVibez can use")
	os.Exit(1)
}
