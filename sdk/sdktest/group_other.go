//go:build !unix

package sdktest

import "os/exec"

// ownGroup, groupLeft and killGroup find and end processes a program leaves behind; only Unix has process groups.
func ownGroup(*exec.Cmd) {}

func killGroup(*exec.Cmd) {}

func groupLeft(*exec.Cmd) string { return "" }
