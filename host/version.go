package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/openvibez/openvibez/host/terminal"
)

func versionCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: `  openvibez version`,
		Args:    terminal.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t.Out.Println(versionLine())
			return nil
		},
	}
}

func versionLine() string {
	return fmt.Sprintf("openvibez %s %s/%s %s", version(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// release is the version, which make tells the linker.
var release string

// version is what the build knows about itself.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development build"
}
