package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// keyFlags say where a provider's key comes from.
type keyFlags struct {
	env, command string
	stdin        bool
}

func (k *keyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.env, "key-env", "", "environment variable of the host that holds the key")
	cmd.Flags().StringVar(&k.command, "key-command", "", "command that prints the key, such as 'op read op://vault/openai/key'")
	cmd.Flags().BoolVar(&k.stdin, "key-stdin", false, "read the key from standard input and put it into the keychain")
}

// given takes what the flags say: where the key is, or the key itself.
func (k *keyFlags) given(cmd *cobra.Command, t *terminal.Terminal) (source, key string, err error) {
	if k.env != "" && k.command != "" || k.stdin && (k.env != "" || k.command != "") {
		return "", "", terminal.Misused(cmd, "there is one key: say only one of --key-env, --key-command and --key-stdin")
	}
	switch {
	case k.env != "":
		return "env:" + strings.TrimPrefix(k.env, "env:"), "", nil
	case k.command != "":
		return "command:" + k.command, "", nil
	case k.stdin:
		text, err := io.ReadAll(io.LimitReader(t.In, 64<<10))
		if err != nil {
			return "", "", fmt.Errorf("read the key from standard input: %w", err)
		}
		if key = strings.TrimSpace(string(text)); key == "" {
			return "", "", terminal.Fail(terminal.Usage, errors.New("there is no key on standard input: pipe it in, as in `pass show openai | openvibez provider add openai --key-stdin`"))
		}
		return "", key, nil
	}
	return "", "", nil
}

// keyFor finds the key of a provider that is being added: what the flags say, what its usual variable holds, or what a
// person enters. Without one there may be none.
func keyFor(t *terminal.Terminal, cmd *cobra.Command, k *keyFlags, d *providerv1.DescribeResponse, url string) (source, key string, err error) {
	source, key, err = k.given(cmd, t)
	if err != nil || source != "" || key != "" || !wantsKey(d, url) {
		return source, key, err
	}
	if env := d.Key.Env; env != "" && url == "" && t.Getenv(env) != "" {
		t.Err.Printf("Using the key in the environment variable %s.\n", env)
		return "env:" + env, "", nil
	}
	if !t.Interactive() {
		return "", "", nil
	}
	key, err = askKey(t, d, d.Name, ", Enter for none")
	return "", key, err
}

// wantsKey tells whether requests to a provider usually need a key: always, or only where they leave this machine.
func wantsKey(d *providerv1.DescribeResponse, url string) bool {
	if url == "" {
		url = d.GetDefaultBaseUrl()
	}
	return d.GetKey() != nil && (!d.Key.Optional || strings.HasPrefix(strings.ToLower(url), "https://"))
}

// askKey has a person enter a key, which is not shown.
func askKey(t *terminal.Terminal, d *providerv1.DescribeResponse, name, more string) (string, error) {
	if page := d.GetKey().GetUrl(); page != "" {
		t.Err.Printf("A key can be had at %s\n", page)
	}
	key, err := t.AskHidden("Key of "+name, more)
	return strings.TrimSpace(key), err
}

func providerLogin(t *terminal.Terminal) *cobra.Command {
	var key keyFlags
	var untested bool
	cmd := &cobra.Command{
		Use:   "login PROVIDER",
		Short: "Enter a provider's key anew, and test it",
		Long: `Asks for the key and puts it into the system's keychain, for the address that the provider has now. A
key that was there before is replaced. The flags say where it is instead.`,
		Example: `  openvibez provider login openai
  pass show openai | openvibez provider login openai --key-stdin
  openvibez provider login openai --key-command 'op read op://vault/openai/key'`,
		Args: terminal.Exactly("a provider's name or id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			p, d, err := configured(ctx, t, c, args[0])
			if err != nil {
				return err
			}
			if d != nil && d.Key == nil {
				return fmt.Errorf("%s takes no key", p.Name)
			}
			source, secret, err := key.given(cmd, t)
			if err != nil {
				return err
			}
			if source == "" && secret == "" {
				if !t.Interactive() {
					return terminal.Misused(cmd, "no key is given, and there is no terminal to ask in: say --key-stdin, --key-env or --key-command")
				}
				if secret, err = askKey(t, d, p.Name, ""); err != nil {
					return err
				}
				if secret == "" {
					return terminal.Fail(terminal.Cancelled, errors.New("no key was entered"))
				}
			}
			req := &apiv1.UpdateProviderRequest{Id: p.Id}
			if secret != "" {
				req.Key = &secret
			} else {
				req.KeySource = &source
			}
			if _, err := c.Providers.UpdateProvider(ctx, req); err != nil {
				return err
			}
			return testSaved(ctx, t, c, p.Id, untested)
		},
	}
	key.add(cmd)
	cmd.Flags().BoolVar(&untested, "no-test", false, "don't test the connection")
	return cmd
}

func providerLogout(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "logout PROVIDER",
		Short: "Remove a provider's key from the keychain",
		Long: `Removes the key from the system's keychain and makes the provider forget where its key is. A key in an
environment variable stays there.`,
		Example: `  openvibez provider logout openai`,
		Args:    terminal.Exactly("a provider's name or id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Providers.Logout(cmd.Context(), &apiv1.LogoutRequest{Id: args[0]})
			if err != nil {
				return err
			}
			t.Out.Printf("%s has no key now.\n", res.Provider.Name)
			return nil
		},
	}
}

// testSaved tests a provider that was just changed.
func testSaved(ctx context.Context, t *terminal.Terminal, c *client.Client, id string, untested bool) error {
	if untested {
		return nil
	}
	tested, err := c.Providers.TestProvider(ctx, &apiv1.TestProviderRequest{Id: id})
	if err != nil {
		return err
	}
	return sayTested(t, tested, false)
}

// configured finds a provider by name or id, and what its plugin says about itself, which is nil if it can't say.
func configured(ctx context.Context, t *terminal.Terminal, c *client.Client, idOrName string) (*apiv1.Provider, *providerv1.DescribeResponse, error) {
	list, err := c.Providers.ListProviders(ctx, &apiv1.ListProvidersRequest{})
	if err != nil {
		return nil, nil, err
	}
	var found *apiv1.Provider
	var names []string
	for _, p := range list.Providers {
		names = append(names, p.Name)
		if p.Id == idOrName || found == nil && strings.EqualFold(p.Name, idOrName) {
			found = p
		}
	}
	if found == nil {
		return nil, nil, fmt.Errorf("there is no provider %q; there is %s", idOrName, strings.Join(names, ", "))
	}
	d, err := described(ctx, t, c, found.Plugin)
	return found, d, err
}

// described gives what a plugin says about itself; nil if there is no such plugin or it can't say.
func described(ctx context.Context, t *terminal.Terminal, c *client.Client, plugin string) (*providerv1.DescribeResponse, error) {
	res, err := c.Plugins.ListPlugins(ctx, &apiv1.ListPluginsRequest{})
	if err != nil {
		return nil, err
	}
	for _, p := range res.Plugins {
		if p.Id == plugin {
			return p.Description, nil
		}
	}
	return nil, nil
}
