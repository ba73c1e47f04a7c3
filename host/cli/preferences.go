package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/setting"
	"github.com/openvibez/openvibez/host/terminal"
)

func settingsCommand(t *terminal.Terminal) *cobra.Command {
	return terminal.Group(&cobra.Command{
		Use:   "settings",
		Short: "List and change settings of the host",
		Long:  "The settings, with what holds where nothing is set:\n" + preferenceLines(),
		Example: `  openvibez settings list
  openvibez settings set summaries false
  openvibez settings reset summaries`,
	}, settingsList(t),
		settingsSet(t, "set KEY VALUE", "Change a setting", `  openvibez settings set tools.approval_minutes 30
  openvibez settings set retention.what all`, "its value, such as true or false"),
		settingsSet(t, "reset KEY", "Put a setting back to its default", "  openvibez settings reset tools.approval_minutes"))
}

func settingsList(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the settings with their values",
		Example: `  openvibez settings list --json`,
		Args:    terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Host.GetSettings(cmd.Context(), &apiv1.GetSettingsRequest{})
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, res.Settings...)
			}
			set := map[string]string{}
			for _, s := range res.Settings {
				set[s.Key] = s.ValueJson
			}
			rows := [][]string{{"KEY", "VALUE", "WHAT IT DOES"}}
			for _, p := range res.Known {
				value, ok := set[p.Key]
				if !ok {
					value = p.Otherwise + " (default)"
				}
				rows = append(rows, []string{p.Key, terminal.OneLine(value, 60), p.Words})
			}
			terminal.Table(t.Out, rows)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print all settings that are set, one JSON object a line")
	return cmd
}

// settingsSet makes the command that sets a setting to value, or puts it back where it takes none.
func settingsSet(t *terminal.Terminal, use, short, example string, value ...string) *cobra.Command {
	return &cobra.Command{
		Use:     use,
		Short:   short,
		Long:    short + ". The settings, with what holds where nothing is set:\n" + preferenceLines(),
		Example: example,
		Args:    terminal.Exactly(append([]string{"a setting: " + preferenceKeys()}, value...)...),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.ContainsFunc(setting.ForPeople(), func(s setting.Setting) bool { return s.Key == args[0] }) {
				return terminal.Misused(cmd, "there is no setting %q; there is %s", args[0], preferenceKeys())
			}
			req := &apiv1.SetSettingRequest{Key: args[0]}
			if len(args) > 1 {
				req.ValueJson = args[1]
				if !json.Valid([]byte(args[1])) {
					quoted, err := json.Marshal(args[1])
					if err != nil {
						return fmt.Errorf("write JSON: %w", err)
					}
					req.ValueJson = string(quoted)
				}
			}
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			_, err = c.Host.SetSetting(cmd.Context(), req)
			return err
		},
	}
}

func preferenceLines() string {
	var lines strings.Builder
	for _, s := range setting.ForPeople() {
		fmt.Fprintf(&lines, "\n  %-22s  %s (%s)", s.Key, s.Words, s.Otherwise())
	}
	return lines.String()
}

func preferenceKeys() string {
	var keys []string
	for _, s := range setting.ForPeople() {
		keys = append(keys, s.Key)
	}
	return strings.Join(keys, ", ")
}
