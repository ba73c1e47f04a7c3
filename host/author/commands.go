// Package author is what the author of a plugin uses: it writes, runs, checks, packs and signs one.
//
// In reading order: new.go (write and check one), dev.go (run it while it is written), pack.go (pack and sign).
package author

import (
	"github.com/spf13/cobra"

	"github.com/openvibez/openvibez/host/terminal"
)

// Commands makes the commands for authors, which belong to the group "plugin".
func Commands(t *terminal.Terminal) []*cobra.Command {
	return []*cobra.Command{newCommand(t), devCommand(t), testCommand(t), packCommand(t), signCommand(t), keygenCommand(t)}
}
