package local

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

	"github.com/openvibez/openvibez/host/place"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/host/terminal"
)

// Exit codes of `openvibez sandbox run` that are not the command's own, as timeout(1) has them.
const (
	exitTimeout = 124
	exitNoBox   = 125
)

// Sandbox makes the commands about the sandbox.
func Sandbox(t *terminal.Terminal) *cobra.Command {
	return terminal.Group(&cobra.Command{
		Use:   "sandbox",
		Short: "Run a command as models' commands are run, or help the sandbox to its rights",
		Example: `  openvibez sandbox run --workspace . -- 'make test'
  openvibez sandbox apparmor | sudo tee /etc/apparmor.d/openvibez-sandbox`,
	}, sandboxRunCommand(t), sandboxAppArmorCommand(t))
}

func sandboxRunCommand(t *terminal.Terminal) *cobra.Command {
	var profile, workspace, dir string
	var domains []string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "run --workspace DIR [flags] -- 'COMMAND LINE'",
		Short: "Run one command line in a sandbox profile",
		Long: `Runs a command line as a model's would be run, after an approval. No host is needed, and no policy is
asked: whoever types it here has decided. It has no standard input and no terminal, and a /tmp and a home of
its own, which vanish with it.

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
		Args: terminal.Exactly("the command line, as one argument in quotes"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := place.RealDir(workspace)
			if err != nil {
				return terminal.Misused(cmd, "--workspace: %w", err)
			}
			in := root
			if dir != "" {
				if in, err = place.RealDir(dir); err != nil {
					return terminal.Misused(cmd, "--dir: %w", err)
				}
			}
			g, err := policy.Chosen(args[0], in, root, policy.Profile(profile), domains)
			if err != nil {
				return terminal.Misused(cmd, "%w", err)
			}
			s, err := ownSandbox(t)
			if err != nil {
				return err
			}
			defer s.Close()
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			r, err := s.Run(ctx, g, sandbox.Options{Timeout: timeout, Stdout: t.Out, Stderr: t.Err})
			switch {
			case err != nil && ctx.Err() == nil:
				return terminal.Fail(exitNoBox, err)
			case ctx.Err() != nil:
				return terminal.Fail(terminal.Cancelled, errors.New("cancelled"))
			case r.TimedOut:
				return terminal.Fail(exitTimeout, fmt.Errorf("ended after %s, the time that --timeout gave it", timeout))
			case r.Problem != "":
				return terminal.Fail(r.ExitCode, errors.New(r.Problem))
			}
			for _, host := range r.Refused {
				t.Err.Printf("openvibez: it tried to reach %s, which --domain does not name\n", host)
			}
			for _, words := range r.Told {
				t.Err.Printf("openvibez: on its way to the network: %s\n", words)
			}
			if r.ExitCode != 0 {
				return &terminal.ExitError{Code: r.ExitCode}
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

func sandboxAppArmorCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "apparmor",
		Short: "Print the AppArmor profile that lets the sandbox make user namespaces",
		Long: `Some distributions (Ubuntu since 23.10) let only programs with an AppArmor profile make user namespaces,
which the sandbox needs. The packages bring the profile; this prints it for a copy that was built or
unpacked by hand.`,
		Example: `  openvibez sandbox apparmor | sudo tee /etc/apparmor.d/openvibez-sandbox
  sudo apparmor_parser -r /etc/apparmor.d/openvibez-sandbox`,
		Args: terminal.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			exe, err := place.Executable()
			if err != nil {
				return err
			}
			_, err = io.WriteString(t.Out, sandbox.AppArmorProfile(place.SandboxHelper(exe)))
			return err
		},
	}
}

// ownSandbox is a sandbox of this process's own, for when no host is asked.
func ownSandbox(t *terminal.Terminal) (*sandbox.Sandbox, error) {
	d, err := place.Find(t.Getenv)
	if err != nil {
		return nil, err
	}
	exe, err := place.Executable()
	if err != nil {
		return nil, err
	}
	return sandbox.New(sandbox.Config{
		Helper: place.SandboxHelper(exe), CacheDir: d.Cache, RuntimeDir: filepath.Join(d.Runtime, "b"),
		Logger: slog.New(slog.DiscardHandler), Getenv: t.Getenv,
	}), nil
}
