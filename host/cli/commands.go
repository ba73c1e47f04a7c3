package cli

import (
	"github.com/spf13/cobra"

	"github.com/openvibez/openvibez/host/terminal"
)

// Commands makes those commands that need nothing but a host. Plugin, PolicyRules and PolicyRevoke stand apart, because
// others add to their groups.
func Commands(t *terminal.Terminal) []*cobra.Command {
	return []*cobra.Command{
		askCommand(t), sessionCommand(t), searchCommand(t), runCommand(t), workspaceCommand(t), approvalCommand(t), watchCommand(t),
		providerCommand(t), usageCommand(t), settingsCommand(t), openCommand(t), statusCommand(t), stopCommand(t),
	}
}
