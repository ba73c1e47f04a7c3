package keys

import (
	"context"
	"os/exec"
)

// shell runs a command line, which ends with ctx.
func shell(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "cmd", "/C", line)
}
