package local

import (
	"fmt"

	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/terminal"
)

// backupRightWords say what a backup allows once it is restored, a line each.
func backupRightWords(r *store.BackupRights) (lines []string) {
	say := func(n int, one, many string) {
		switch {
		case n == 1:
			lines = append(lines, one)
		case n > 1:
			lines = append(lines, fmt.Sprintf(many, n))
		}
	}
	list := func(what string, of []string) {
		for _, one := range of {
			lines = append(lines, what+terminal.OneLine(one, 200))
		}
	}
	list("models work freely in ", r.Trusted)
	list("unknown commands run without asking in ", r.Unknown)
	say(r.Rules, "one command or host is allowed without asking", "%d commands and hosts are allowed without asking")
	say(r.Root, "one conversation has root access", "%d conversations have root access")
	list("a key comes from the command: ", r.Commands)
	list("a key comes from the environment variable ", r.Variables)
	return lines
}
