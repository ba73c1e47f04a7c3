package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox"
)

// Exit codes of `openvibez sandbox run` that are not the command's own, as timeout(1) has them.
const (
	exitTimeout = 124
	exitNoBox   = 125
)

func (a *app) sandboxCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "sandbox",
		Short: "Run a command as models' commands are run, or help the sandbox to its rights",
		Example: `  openvibez sandbox run --workspace . -- 'make test'
  openvibez sandbox apparmor | sudo tee /etc/apparmor.d/openvibez-sandbox`,
	}, a.sandboxRunCommand(), a.sandboxAppArmorCommand())
}

func (a *app) sandboxRunCommand() *cobra.Command {
	var profile, workspace, dir string
	var domains []string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "run --workspace DIR [flags] -- 'COMMAND LINE'",
		Short: "Run one command line in a sandbox profile",
		Long: `Runs a command line as a model's would be run, after an approval. No host is needed, and no policy is
asked: whoever types it here has decided. It has no standard input and no terminal.

Profiles:
  ro    the workspace can be read, nothing can be changed; no network
  work  the workspace can be changed, but for .git and the settings of editors; no network
  git   .git can be changed too, but for its hooks and configuration; no network
  net   work, and the hosts given with --domain can be reached, through a proxy (HTTP_PROXY)

What the command prints is passed on, and so is its exit code (128 and the number for signals). Other exit
codes: 124 after --timeout, 125 if there is no sandbox to run it in, 2 for wrong usage.`,
		Example: `  openvibez sandbox run --workspace . -- 'make test'
  openvibez sandbox run --profile ro --workspace ~/src/app -- 'grep -r TODO . | head'
  openvibez sandbox run --profile net --domain proxy.golang.org --workspace . -- 'go mod download'`,
		Args: exactly("the command line, as one argument in quotes"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := realDir(workspace)
			if err != nil {
				return misused(cmd, "--workspace: %w", err)
			}
			in := root
			if dir != "" {
				if in, err = realDir(dir); err != nil {
					return misused(cmd, "--dir: %w", err)
				}
			}
			g, err := policy.Chosen(args[0], in, root, policy.Profile(profile), domains)
			if err != nil {
				return misused(cmd, "%w", err)
			}
			s, err := a.ownSandbox()
			if err != nil {
				return err
			}
			defer s.Close()
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			r, err := s.Run(ctx, g, sandbox.Options{Timeout: timeout, Stdout: a.out, Stderr: a.err})
			switch {
			case err != nil && ctx.Err() == nil:
				return &exitError{exitNoBox, err}
			case ctx.Err() != nil:
				return &exitError{exitCancelled, errors.New("cancelled")}
			case r.TimedOut:
				return &exitError{exitTimeout, fmt.Errorf("ended after %s, the time that --timeout gave it", timeout)}
			case r.Problem != "":
				return &exitError{r.ExitCode, errors.New(r.Problem)}
			}
			for _, host := range r.Refused {
				fmt.Fprintf(a.err, "openvibez: it tried to reach %s, which --domain does not name\n", host)
			}
			if r.ExitCode != 0 {
				return &exitError{code: r.ExitCode}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&profile, "profile", "p", "work", "ro, work, git or net")
	cmd.Flags().StringVarP(&workspace, "workspace", "w", ".", "the workspace: a `DIR`")
	cmd.Flags().StringVar(&dir, "dir", "", "the working directory, in the workspace; the workspace itself if not given")
	cmd.Flags().StringArrayVar(&domains, "domain", nil, "a `HOST` the profile net may reach; *.example.org is all below it; can be given more than once")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "end it after so long, with all that it started; 0 is never")
	return cmd
}

func (a *app) sandboxAppArmorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "apparmor",
		Short: "Print the AppArmor profile that lets the sandbox make user namespaces",
		Long: `Some distributions (Ubuntu since 23.10) let only programs with an AppArmor profile make user namespaces,
which the sandbox needs. The packages bring the profile; this prints it for a copy that was built or
unpacked by hand.`,
		Example: `  openvibez sandbox apparmor | sudo tee /etc/apparmor.d/openvibez-sandbox
  sudo apparmor_parser -r /etc/apparmor.d/openvibez-sandbox`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			exe, err := executable()
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.out, sandbox.AppArmorProfile(sandboxHelper(exe)))
			return err
		},
	}
}

// sandboxHelper is where the helper of exe is.
func sandboxHelper(exe string) string { return filepath.Join(filepath.Dir(exe), "openvibez-sandbox") }

// ownSandbox is a sandbox of this process's own, for when no host is asked.
func (a *app) ownSandbox() (*sandbox.Sandbox, error) {
	d, err := findDirs(a.getenv)
	if err != nil {
		return nil, err
	}
	exe, err := executable()
	if err != nil {
		return nil, err
	}
	return sandbox.New(sandbox.Config{
		Helper: sandboxHelper(exe), CacheDir: d.cache, RuntimeDir: filepath.Join(d.runtime, "b"),
		Logger: slog.New(slog.DiscardHandler), Getenv: a.getenv,
	}), nil
}

func realDir(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is no directory", abs)
	}
	return abs, nil
}
