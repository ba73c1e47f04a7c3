//go:build !unix

package sdktest

import "os/exec"

// ownGroup and groupLeft find processes a program leaves behind; only Unix has process groups.
func ownGroup(*exec.Cmd) {}

func groupLeft(*exec.Cmd) string { return "" }
