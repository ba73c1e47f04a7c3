package tool

import (
	"context"
	"errors"
	"path/filepath"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
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
}

// Tools carries out what was granted.
type Tools struct{ Config }

// New makes the tools.
func New(c Config) *Tools { return &Tools{c} }

// Do carries out a call as it was granted; update_plan needs no grant. It returns when all that the call set off has
// ended, also when ctx ends.
func (t *Tools) Do(ctx context.Context, c *Call, g policy.Grant) (Result, error) {
	if p := c.Plan(); p != nil {
		return Result{Content: "The person sees the plan.", Outcome: apiv1.ToolOutput_OUTCOME_DONE, Plan: p}, nil
	}
	if !g.OK() || g.Command() != c.Wants.Command || g.Read() != c.Wants.Read || g.Write() != c.Wants.Write || g.Root() != c.root {
		return Result{}, errors.New("carry out a call: what was granted is something else")
	}
	switch c.Name {
	case RunShell:
		return t.runShell(ctx, c, g)
	case ReadFile:
		return c.readFile(g), nil
	case EditFile:
		return c.editFile(g), nil
	}
	return c.searchFiles(ctx, g), nil
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
