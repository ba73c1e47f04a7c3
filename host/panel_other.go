//go:build !unix || darwin

package main

// panelProblem has nothing to say: these systems always show tray icons.
func panelProblem() string { return "" }
