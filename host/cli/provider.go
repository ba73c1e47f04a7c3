package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/setting"
	"github.com/openvibez/openvibez/host/terminal"
)

func providerCommand(t *terminal.Terminal) *cobra.Command {
	return terminal.Group(&cobra.Command{
		Use:     "provider",
		Aliases: []string{"providers"},
		Short:   "Add, list, test and remove connections to models",
		Long: `A provider is a configured connection to some models: a plugin, a name, an address and where its key
is. Providers are named by name or id.`,
		Example: `  openvibez provider add ollama
  openvibez provider list
  openvibez provider default ollama`,
	}, providerAdd(t), providerList(t), providerTest(t), providerModels(t), providerRemove(t), providerDefault(t),
		providerSettings(t), providerSet(t), providerLogin(t), providerLogout(t), providerPull(t), providerDeleteModel(t))
}

// sayTested tells how a test went; a connection that does not work is an error.
func sayTested(t *terminal.Terminal, res *apiv1.TestProviderResponse, quiet bool) error {
	if problem := res.Provider.Error; problem != nil {
		return terminal.Fail(terminal.Provider, fmt.Errorf("%s does not work: %s", res.Provider.Name, client.Words(problem)))
	}
	if !quiet {
		t.Out.Printf("%s %s works: %s\n", t.Out.Green("ok"), res.Provider.Name, res.Summary)
	}
	return nil
}

func providerList(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what is configured; * marks the default",
		Example: `  openvibez provider list
  openvibez provider list --json | jq -r .name`,
		Args: terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Providers.ListProviders(cmd.Context(), &apiv1.ListProvidersRequest{})
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, res.Providers...)
			}
			rows := [][]string{{"", "NAME", "PLUGIN", "STATE", "ADDRESS"}}
			for _, p := range res.Providers {
				mark, state := "", "ok"
				if p.IsDefault {
					mark = "*"
				}
				switch {
				case p.Error != nil:
					state = terminal.OneLine(p.Error.Message, 50)
				case p.CheckedMs == 0:
					state = "not tested"
				case p.Canned:
					state = "canned answers"
				}
				rows = append(rows, []string{mark, terminal.OneLine(p.Name, 30), p.Plugin, state, p.BaseUrl})
			}
			terminal.Table(t.Out, rows)
			if len(res.Providers) == 0 && !asJSON {
				t.Err.Println("Nothing is configured: openvibez provider add PLUGIN adds a provider.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func providerTest(t *terminal.Terminal) *cobra.Command {
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use:   "test PROVIDER",
		Short: "Check a connection, and list its models anew",
		Example: `  openvibez provider test ollama
  openvibez provider test ollama --verbose`,
		Args: terminal.Exactly("a provider's name or id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Providers.TestProvider(cmd.Context(), &apiv1.TestProviderRequest{Id: args[0]})
			if err != nil {
				return err
			}
			if asJSON {
				if err := terminal.PrintJSON(t.Out, res); err != nil {
					return err
				}
			}
			problem := sayTested(t, res, asJSON)
			if verbose && !asJSON {
				// Where nothing can be told, what the test found is enough.
				if err := sayFacts(cmd.Context(), t, c, res.Provider.Id); err != nil && problem == nil {
					return err
				}
			}
			return problem
		},
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print what the plugin can tell about the connection")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as a JSON object")
	return cmd
}

func providerModels(t *terminal.Terminal) *cobra.Command {
	var asJSON, cached bool
	cmd := &cobra.Command{
		Use:   "models [PROVIDER]",
		Short: "List the models of a provider, or of all",
		Example: `  openvibez provider models ollama
  openvibez provider models --json | jq -r .model.id`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			req := &apiv1.ListModelsRequest{}
			var problem error
			if len(args) == 1 {
				req.ProviderId = args[0]
				if !cached {
					res, err := c.Providers.TestProvider(ctx, &apiv1.TestProviderRequest{Id: args[0]})
					if err != nil {
						return err
					}
					problem = sayTested(t, res, true)
				}
			}
			res, err := c.Providers.ListModels(ctx, req)
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, res.Models...)
			}
			rows := [][]string{{"MODEL", "CONTEXT", "SIZE", "DETAILS"}}
			for _, m := range res.Models {
				if m.Vanished {
					continue
				}
				size := ""
				if m.Model.SizeBytes > 0 {
					size = terminal.Size(m.Model.SizeBytes)
				}
				rows = append(rows, []string{m.Model.Id, tokens(m.Model.ContextTokens), size, terminal.OneLine(m.Model.Details, 40)})
			}
			terminal.Table(t.Out, rows)
			return problem
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&cached, "cached", false, "don't ask the provider, print what it said last")
	return cmd
}

func tokens(n int64) string {
	switch {
	case n == 0:
		return ""
	case n < 1000:
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%dk", (n+500)/1000)
}

func providerRemove(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "remove PROVIDER",
		Short:   "Forget a provider and its key; conversations with it keep their text",
		Example: `  openvibez provider remove "Big machine"`,
		Args:    terminal.Exactly("a provider's name or id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Providers.RemoveProvider(cmd.Context(), &apiv1.RemoveProviderRequest{Id: args[0]})
			if err == nil && res.Warning != "" {
				t.Err.Println(res.Warning)
			}
			return err
		},
	}
}

func providerDefault(t *terminal.Terminal) *cobra.Command {
	var model, task string
	cmd := &cobra.Command{
		Use:   "default [PROVIDER]",
		Short: "Say which provider answers when none is named, or print it",
		Long: `Without arguments it prints the provider and model that answer where none is named; with a provider it makes
that one the default.

With --for titles it says who names conversations after their first answer: a provider, with --model one
of its models; "off" for nobody; "auto" for the cheapest model of the provider that answered, as it is
without this.`,
		Example: `  openvibez provider default
  openvibez provider default ollama --model qwen3:4b
  openvibez provider default openai --model gpt-5-nano --for titles
  openvibez provider default off --for titles`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			switch {
			case task != "" && task != "titles":
				return terminal.Misused(cmd, "--for is %q: only titles have a model of their own", task)
			case len(args) == 0 && (model != "" || task != ""):
				return terminal.Misused(cmd, "--model and --for need the provider too")
			case len(args) == 0:
				return printDefault(cmd.Context(), t, c)
			case task == "titles":
				return setTitles(cmd.Context(), t, c, args[0], model)
			}
			yes := true
			req := &apiv1.UpdateProviderRequest{Id: args[0], IsDefault: &yes}
			if model != "" {
				req.DefaultModel = &model
			}
			_, err = c.Providers.UpdateProvider(cmd.Context(), req)
			return err
		},
	}
	cmd.Flags().StringVarP(&model, "model", "m", "", "the model it answers with when none is named")
	cmd.Flags().StringVar(&task, "for", "", `"titles": only for naming conversations`)
	return cmd
}

// setTitles says who names conversations.
func setTitles(ctx context.Context, t *terminal.Terminal, c *client.Client, provider, model string) error {
	value := ""
	switch provider {
	case "auto":
	case "off":
		value = "false"
	default:
		p, _, err := configured(ctx, t, c, provider)
		if err != nil {
			return err
		}
		known, err := c.Providers.ListModels(ctx, &apiv1.ListModelsRequest{ProviderId: p.Id})
		if err != nil {
			return err
		}
		if model != "" && !slices.ContainsFunc(known.Models, func(m *apiv1.Model) bool { return m.Model.GetId() == model }) {
			return fmt.Errorf("%s has no model called %q; openvibez provider models %s lists them", provider, model, provider)
		}
		raw, err := json.Marshal(map[string]string{"provider": p.Id, "model": model})
		if err != nil {
			return err
		}
		value = string(raw)
	}
	_, err := c.Host.SetSetting(ctx, &apiv1.SetSettingRequest{Key: setting.Titles, ValueJson: value})
	return err
}

func printDefault(ctx context.Context, t *terminal.Terminal, c *client.Client) error {
	res, err := c.Providers.ListProviders(ctx, &apiv1.ListProvidersRequest{})
	if err != nil {
		return err
	}
	for _, p := range res.Providers {
		if p.IsDefault {
			t.Out.Println(strings.TrimSpace(p.Name + "  " + p.DefaultModel))
			return nil
		}
	}
	return errors.New("no provider is the default: openvibez provider add PLUGIN adds one")
}
