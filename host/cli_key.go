package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
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
func (k *keyFlags) given(cmd *cobra.Command, a *app) (source, key string, err error) {
	if k.env != "" && k.command != "" || k.stdin && (k.env != "" || k.command != "") {
		return "", "", misused(cmd, "there is one key: say only one of --key-env, --key-command and --key-stdin")
	}
	switch {
	case k.env != "":
		return "env:" + strings.TrimPrefix(k.env, "env:"), "", nil
	case k.command != "":
		return "command:" + k.command, "", nil
	case k.stdin:
		text, err := io.ReadAll(io.LimitReader(a.in, 64<<10))
		if err != nil {
			return "", "", fmt.Errorf("read the key from standard input: %w", err)
		}
		if key = strings.TrimSpace(string(text)); key == "" {
			return "", "", &exitError{exitUsage, errors.New("there is no key on standard input: pipe it in, as in `pass show openai | openvibez provider add openai --key-stdin`")}
		}
		return "", key, nil
	}
	return "", "", nil
}

// keyFor finds the key of a provider that is being added: what the flags say, what its usual variable holds, or what a
// person enters. Without one there may be none.
func (a *app) keyFor(cmd *cobra.Command, k *keyFlags, d *providerv1.DescribeResponse, url string) (source, key string, err error) {
	source, key, err = k.given(cmd, a)
	if err != nil || source != "" || key != "" || !wantsKey(d, url) {
		return source, key, err
	}
	if env := d.Key.Env; env != "" && url == "" && a.getenv(env) != "" {
		fmt.Fprintf(a.err, "Using the key in the environment variable %s.\n", env)
		return "env:" + env, "", nil
	}
	if !term.IsTerminal(int(a.in.Fd())) {
		return "", "", nil
	}
	key, err = a.askKey(d, d.Name, ", Enter for none")
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
func (a *app) askKey(d *providerv1.DescribeResponse, name, more string) (string, error) {
	if page := d.GetKey().GetUrl(); page != "" {
		fmt.Fprintf(a.err, "A key can be had at %s\n", page)
	}
	return a.askHidden("Key of "+name, more)
}

// askHidden has a person enter what is not shown.
func (a *app) askHidden(what, more string) (string, error) {
	fmt.Fprintf(a.err, "%s (it is not shown%s): ", clean(what), more)
	defer fmt.Fprintln(a.err)
	fd := int(a.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for it: %w", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	type entered struct {
		text []byte
		err  error
	}
	done := make(chan entered, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- entered{text, err}
	}()
	select {
	case e := <-done:
		if e.err != nil && !errors.Is(e.err, io.EOF) {
			return "", fmt.Errorf("read what was entered: %w", e.err)
		}
		return strings.TrimSpace(string(e.text)), nil
	case <-signals:
		// Otherwise nothing typed would be shown any more.
		_ = term.Restore(fd, before)
		return "", &exitError{exitCancelled, errors.New("nothing was entered")}
	}
}

func (a *app) providerLogin() *cobra.Command {
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
		Args: exactly("a provider's name or id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := a.hostOrStart(ctx)
			if err != nil {
				return err
			}
			p, d, err := a.configured(ctx, c, args[0])
			if err != nil {
				return err
			}
			if d != nil && d.Key == nil {
				return fmt.Errorf("%s takes no key", p.Name)
			}
			source, secret, err := key.given(cmd, a)
			if err != nil {
				return err
			}
			if source == "" && secret == "" {
				if !term.IsTerminal(int(a.in.Fd())) {
					return misused(cmd, "no key is given, and there is no terminal to ask in: say --key-stdin, --key-env or --key-command")
				}
				if secret, err = a.askKey(d, p.Name, ""); err != nil {
					return err
				}
				if secret == "" {
					return &exitError{exitCancelled, errors.New("no key was entered")}
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
			return a.testSaved(ctx, c, p.Id, untested)
		},
	}
	key.add(cmd)
	cmd.Flags().BoolVar(&untested, "no-test", false, "don't test the connection")
	return cmd
}

func (a *app) providerLogout() *cobra.Command {
	return &cobra.Command{
		Use:   "logout PROVIDER",
		Short: "Remove a provider's key from the keychain",
		Long: `Removes the key from the system's keychain and makes the provider forget where its key is. A key in an
environment variable stays there.`,
		Example: `  openvibez provider logout openai`,
		Args:    exactly("a provider's name or id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.hostOrStart(cmd.Context())
			if err != nil {
				return err
			}
			res, err := c.Providers.Logout(cmd.Context(), &apiv1.LogoutRequest{Id: args[0]})
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s has no key now.\n", res.Provider.Name)
			return nil
		},
	}
}

// testSaved tests a provider that was just changed.
func (a *app) testSaved(ctx context.Context, c *client, id string, untested bool) error {
	if untested {
		return nil
	}
	tested, err := c.Providers.TestProvider(ctx, &apiv1.TestProviderRequest{Id: id})
	if err != nil {
		return err
	}
	return a.sayTested(tested, false)
}

// configured finds a provider by name or id, and what its plugin says about itself, which is nil if it can't say.
func (a *app) configured(ctx context.Context, c *client, idOrName string) (*apiv1.Provider, *providerv1.DescribeResponse, error) {
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
	d, err := a.described(ctx, c, found.Plugin)
	return found, d, err
}

// described gives what a plugin says about itself; nil if there is no such plugin or it can't say.
func (a *app) described(ctx context.Context, c *client, plugin string) (*providerv1.DescribeResponse, error) {
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
