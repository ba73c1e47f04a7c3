package tool

import (
	"path/filepath"

	"github.com/openvibez/openvibez/host/sandbox"
)

// Config is what the tools work with.
type Config struct {
	Sandbox *sandbox.Sandbox
	// Scratch is the directory in which sessions without a workspace get one each. It is made when it is needed.
	Scratch string
	// Private is the directory in which conversations keep /tmp and home of their commands. Without one they vanish with
	// each command.
	Private string
	// Outside gives the tools that are not ours and that there are now; nil: there are none.
	Outside func() []*Tool
}

// Tools is the registry of what models may call.
type Tools struct {
	Config
	ours []*Tool
}

// New makes the registry.
func New(c Config) *Tools {
	return &Tools{Config: c, ours: []*Tool{runShell(c.Sandbox), readFile(), editFile(), searchFiles(), updatePlan()}}
}

// ScratchDir is where a session without a workspace works: the same for all its branches.
func (t *Tools) ScratchDir(sessionID string) string { return filepath.Join(t.Scratch, sessionID) }

// PrivateDir keeps /tmp and home of a session's commands: the same for all its branches.
func (t *Tools) PrivateDir(sessionID string) string {
	if t.Private == "" {
		return ""
	}
	return filepath.Join(t.Private, sessionID)
}
