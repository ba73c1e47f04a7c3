package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func providerAdd(t *terminal.Terminal) *cobra.Command {
	var name, url, settings string
	var set []string
	var key keyFlags
	var asJSON, untested bool
	cmd := &cobra.Command{
		Use:   "add PLUGIN",
		Short: "Configure a provider, and test it",
		Long: `Configures a provider that the plugin serves, then tests the connection. It stays configured if the
test fails; the exit code is then 5. The first one that is more than a demonstration becomes the default.

A key that is entered goes into the system's keychain, for the address it was entered for, and nowhere else. In a
terminal it is asked for where one is needed, unless its usual environment variable is set. The flags say where
it is instead: --key-env names a variable of the host, --key-command a command that prints it.`,
		Example: `  openvibez provider add ollama
  openvibez provider add ollama --name "Big machine" --url http://192.168.1.20:11434
  openvibez provider add openai
  openvibez provider add openai --key-env OPENAI_API_KEY
  openvibez provider add openai --key-command 'op read op://vault/openai/key'
  openvibez provider add ollama --set num_ctx=8192`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return terminal.Misused(cmd, "%s needs a plugin%s", terminal.NameOf(cmd), pluginNames(cmd.Context(), t))
			}
			return terminal.Exactly("a plugin")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			req := &apiv1.AddProviderRequest{Plugin: args[0], Name: name, BaseUrl: url}
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			d, err := described(ctx, t, c, args[0])
			if err != nil {
				return err
			}
			if req.SettingsJson, err = merge(t, cmd, settings, d.GetSettingsSchema(), set); err != nil {
				return err
			}
			if req.KeySource, req.Key, err = keyFor(t, cmd, &key, d, url); err != nil {
				return err
			}
			res, err := c.Providers.AddProvider(ctx, req)
			if err != nil {
				return err
			}
			if untested {
				if asJSON {
					return terminal.PrintJSON(t.Out, res.Provider)
				}
				t.Out.Printf("Added %s.\n", res.Provider.Name)
				return nil
			}
			tested, err := c.Providers.TestProvider(ctx, &apiv1.TestProviderRequest{Id: res.Provider.Id})
			if err != nil {
				return err
			}
			if asJSON {
				if err := terminal.PrintJSON(t.Out, tested.Provider); err != nil {
					return err
				}
			} else {
				t.Out.Printf("Added %s.", res.Provider.Name)
				if tested.Provider.IsDefault {
					t.Out.Print(" It is the default now.")
				}
				t.Out.Println()
			}
			if err := sayTested(t, tested, asJSON); err != nil {
				return terminal.Fail(terminal.Provider, fmt.Errorf("%w\n%s", err, nextStep(tested.Provider)))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what to call it (default: the plugin's name)")
	cmd.Flags().StringVar(&url, "url", "", "address of the server (default: the plugin's, or what the environment says)")
	key.add(cmd)
	cmd.Flags().StringArrayVar(&set, "set", nil, "a setting, as `NAME=VALUE`; a secret by its name alone; openvibez provider settings PLUGIN lists them")
	cmd.Flags().StringVar(&settings, "settings", "", "all settings, as a `JSON` object")
	cmd.Flags().BoolVar(&untested, "no-test", false, "don't test the connection")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the provider as a JSON object")
	return cmd
}

// nextStep says what to do about a provider that was added and does not work.
func nextStep(p *apiv1.Provider) string {
	name := terminal.ShellWord(p.Name)
	change := "openvibez provider set " + name + " --url URL"
	if p.Error.GetCode() == providerv1.ErrorCode_ERROR_CODE_AUTH {
		change = "openvibez provider login " + name
	}
	return fmt.Sprintf("It stays configured: `%s` corrects it, `openvibez provider test %s` tries again", change, name)
}

// pluginNames lists what can be added, if a host can be asked.
func pluginNames(ctx context.Context, t *terminal.Terminal) string {
	c, err := client.Running(ctx, t.Getenv)
	if err != nil {
		return ""
	}
	res, err := c.Plugins.ListPlugins(ctx, &apiv1.ListPluginsRequest{})
	if err != nil || len(res.Plugins) == 0 {
		return ""
	}
	names := make([]string, len(res.Plugins))
	for i, p := range res.Plugins {
		names[i] = p.Id
	}
	return ": " + strings.Join(names, ", ")
}
