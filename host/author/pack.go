package author

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openvibez/openvibez/host/place"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/host/terminal"
	"github.com/openvibez/openvibez/sdk"
)

func packCommand(t *terminal.Terminal) *cobra.Command {
	var out, platform, program, key string
	cmd := &cobra.Command{
		Use:   "pack [DIR]",
		Short: "Build the plugin in a directory and write its package (.ovp)",
		Long: `Builds the plugin for a platform and writes NAME-VERSION-OS-ARCH.ovp: its manifest, its program and its
licence. For this machine's platform the program is started once, to see that it says of itself what
plugin.json says. A plugin in another language is built by yourself and given with --program.`,
		Example: `  openvibez plugin pack
  openvibez plugin pack --platform darwin/arm64
  openvibez plugin pack ./acme --program ./acme/build/acme --key ~/acme.key`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, m, err := pluginIn(args)
			if err != nil {
				return err
			}
			goos, goarch, ok := strings.Cut(platform, "/")
			if !ok || goos == "" || goarch == "" {
				return terminal.Misused(cmd, "--platform is %q: write one like linux/amd64", platform)
			}
			if program == "" {
				build, err := os.MkdirTemp("", "openvibez-pack-")
				if err != nil {
					return fmt.Errorf("make a directory to build in: %w", err)
				}
				defer os.RemoveAll(build)
				program = filepath.Join(build, programName(m.ID, goos))
				if err := goTool(cmd.Context(), t, dir, []string{"GOOS=" + goos, "GOARCH=" + goarch}, "build", "-trimpath", "-ldflags=-s -w", "-o", program, "."); err != nil {
					return fmt.Errorf("build %s: %w", m.Name, err)
				}
			}
			if platform == runtime.GOOS+"/"+runtime.GOARCH {
				if err := tryProgram(cmd.Context(), t, program, m); err != nil {
					return err
				}
			}
			var signing []byte
			password := ""
			if key != "" {
				if signing, password, err = signingKey(t, key); err != nil {
					return err
				}
			}
			content, err := packPlugin(dir, program, goos, goarch, m, signing, password)
			if err != nil {
				return err
			}
			if out == "" {
				out = fmt.Sprintf("%s-%s-%s-%s.ovp", m.ID, m.Version, goos, goarch)
			}
			if err := os.WriteFile(out, content, 0o644); err != nil {
				return fmt.Errorf("write the package: %w", err)
			}
			signed := "not signed; `openvibez plugin sign` signs it"
			if signing != nil {
				signed = "signed"
			}
			t.Out.Printf("Wrote %s, %s, %s.\n", out, terminal.Size(int64(len(content))), signed)
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write")
	cmd.Flags().StringVar(&platform, "platform", runtime.GOOS+"/"+runtime.GOARCH, "`OS/ARCH` to build for")
	cmd.Flags().StringVar(&program, "program", "", "the plugin's program, already built for the platform")
	cmd.Flags().StringVar(&key, "key", "", "`FILE` with the private key to sign with")
	return cmd
}

func programName(id, goos string) string {
	if goos == "windows" {
		return "openvibez-provider-" + id + ".exe"
	}
	return "openvibez-provider-" + id
}

// tryProgram sees that a program is the plugin that its manifest speaks of.
func tryProgram(ctx context.Context, t *terminal.Terminal, program string, m *sdk.Manifest) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	sockets, err := os.MkdirTemp(place.ShortTemp(), "openvibez-pack-")
	if err != nil {
		return fmt.Errorf("make a directory for its sockets: %w", err)
	}
	defer os.RemoveAll(sockets)
	exe, err := place.Executable()
	if err != nil {
		return err
	}
	silent := slog.New(slog.DiscardHandler)
	boxes := sandbox.New(sandbox.Config{Helper: place.SandboxHelper(exe), CacheDir: sockets, RuntimeDir: filepath.Join(sockets, "b"), Logger: silent, Getenv: t.Getenv})
	defer func() { _ = boxes.Close() }()
	manager := plugin.New(plugin.Config{RuntimeDir: sockets, Sandbox: boxes, Logger: silent, Getenv: t.Getenv})
	defer manager.Close()
	return manager.TryProgram(ctx, program, m)
}

// packPlugin puts the package of one platform together.
func packPlugin(dir, program, goos, goarch string, m *sdk.Manifest, signing []byte, password string) ([]byte, error) {
	name := "bin/" + goos + "-" + goarch + "/" + programName(m.ID, goos)
	binary, err := os.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("read the plugin's program: %w", err)
	}
	files := map[string][]byte{name: binary}
	for _, licence := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING"} {
		text, err := os.ReadFile(filepath.Join(dir, licence))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the licence: %w", err)
		}
		files["LICENSE"] = text
		break
	}
	if files["LICENSE"] == nil {
		return nil, fmt.Errorf("there is no LICENSE in %s: say there what others may do with the plugin", dir)
	}
	m.Platforms = map[string]string{goos + "/" + goarch: name}
	var out bytes.Buffer
	if err := plugin.WritePackage(&out, m, files, signing, password); err != nil {
		return nil, err
	}
	if out.Len() > plugin.MaxPackage {
		return nil, fmt.Errorf("the package has %s, and may have %s", terminal.Size(int64(out.Len())), terminal.Size(plugin.MaxPackage))
	}
	return out.Bytes(), nil
}

func signCommand(t *terminal.Terminal) *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "sign PACKAGE...",
		Short: "Sign packages with a minisign key",
		Long: `Signs packages, so that those who install them see that they come from you, and updates go by without
questions. Whoever installs one trusts the key from then on: keep it, and keep it secret.`,
		Example: `  openvibez plugin keygen acme.key
  openvibez plugin sign --key acme.key acme-1.0.0-linux-amd64.ovp`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || key == "" {
				return terminal.Misused(cmd, "%s needs --key and packages", terminal.NameOf(cmd))
			}
			signing, password, err := signingKey(t, key)
			if err != nil {
				return err
			}
			for _, name := range args {
				content, err := os.ReadFile(name)
				if err != nil {
					return fmt.Errorf("read the package: %w", err)
				}
				signed, err := plugin.SignPackage(content, signing, password)
				if err != nil {
					return fmt.Errorf("sign %s: %w", name, err)
				}
				if err := os.WriteFile(name, signed, 0o644); err != nil {
					return fmt.Errorf("write the package: %w", err)
				}
				t.Out.Printf("Signed %s.\n", name)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "`FILE` with the private key")
	return cmd
}

// envPassword holds the password of a signing key where nobody can be asked.
const envPassword = "OPENVIBEZ_KEY_PASSWORD"

// signingKey reads a private key and finds its password, which may be asked for.
func signingKey(t *terminal.Terminal, file string) (key []byte, password string, err error) {
	if key, err = os.ReadFile(file); err != nil {
		return nil, "", fmt.Errorf("read the key: %w", err)
	}
	if plugin.KeyWantsPassword(key) {
		password, err = askPassword(t, "Password of "+file)
	}
	return key, password, err
}

func askPassword(t *terminal.Terminal, what string) (string, error) {
	if password := t.Getenv(envPassword); password != "" {
		return password, nil
	}
	if !t.Interactive() {
		return "", fmt.Errorf("the key has a password and there is no terminal to ask in: set %s", envPassword)
	}
	return t.AskHidden(what, "")
}

func keygenCommand(t *terminal.Terminal) *cobra.Command {
	var open bool
	cmd := &cobra.Command{
		Use:   "keygen FILE",
		Short: "Make a minisign key to sign packages with",
		Long: `Writes a new private key into a file, and its public half beside it as FILE.pub. They are minisign's own
and work with its tools too. The password is asked for, or taken from ` + envPassword + `.`,
		Example: `  openvibez plugin keygen acme.key`,
		Args:    terminal.Exactly("a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			password := ""
			if !open {
				var err error
				if password, err = askPassword(t, "A password for the key"); err != nil {
					return err
				}
				if password == "" {
					return terminal.Misused(cmd, "the password is empty; --no-password makes a key without one")
				}
			}
			public, private, err := plugin.NewSigningKey(password)
			if err != nil {
				return err
			}
			f, err := os.OpenFile(args[0], os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return fmt.Errorf("write the key: %w", err)
			}
			if _, err = f.Write(private); err == nil {
				err = f.Sync()
			}
			if err = errors.Join(err, f.Close()); err != nil {
				return fmt.Errorf("write the key: %w", err)
			}
			text := "untrusted comment: minisign public key\n" + public + "\n"
			if err := os.WriteFile(args[0]+".pub", []byte(text), 0o644); err != nil {
				return fmt.Errorf("write the public key: %w", err)
			}
			t.Out.Printf("Wrote %s, to be kept secret and safe, and %s.pub.\nThe public key is %s\n", args[0], args[0], public)
			return nil
		},
	}
	cmd.Flags().BoolVar(&open, "no-password", false, "don't protect it with a password")
	return cmd
}
