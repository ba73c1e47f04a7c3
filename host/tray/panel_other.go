//go:build !unix || darwin

package tray

// PanelProblem has nothing to say: these systems always show tray icons.
func PanelProblem() string { return "" }

func iconProblem() string { return "" }

const notYet = ""
