package author

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/openvibez/openvibez/host/terminal"
	"github.com/openvibez/openvibez/sdk"
)

//go:embed newplugin
var newPlugin embed.FS

func newCommand(t *terminal.Terminal) *cobra.Command {
	var dir, sdkDir, service, key string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a new plugin that compiles, passes its tests and can be chatted with",
		Long: `Writes a complete plugin in Go into a new directory, with a copy of the SDK of this build beside it: no
network is needed to build it. Without --url it answers by itself, to begin with; with --url it speaks to a
service at that address the way most services understand (/models, /chat/completions).`,
		Example: `  openvibez plugin new acme && cd acme
  openvibez plugin new acme --url https://api.acme.ai/v1
  openvibez plugin new acme --sdk ~/src/openvibez/sdk`,
		Args: terminal.Exactly("a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			if dir == "" {
				dir = name
			}
			if key == "" {
				key = strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_API_KEY"
			}
			if err := writePlugin(dir, name, service, key, sdkDir); err != nil {
				return err
			}
			t.Out.Printf("Wrote the plugin %s into %s. Next:\n\n  cd %s\n  openvibez plugin test    check that it keeps the contract\n  openvibez plugin dev     run it, and again whenever you save\n\n"+
				"and in another terminal:\n\n  openvibez provider add %s\n  openvibez ask -p '%s' hello\n", name, dir, dir, name, orName(name))
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory to write it into (default: its name)")
	cmd.Flags().StringVar(&sdkDir, "sdk", "", "checkout of the SDK to use instead of a copy")
	cmd.Flags().StringVar(&service, "url", "", "base URL of the service, such as https://api.acme.ai/v1")
	cmd.Flags().StringVar(&key, "key-env", "", "environment variable such keys are kept in (default: NAME_API_KEY)")
	return cmd
}

// orName is what a plugin of an id is called: "acme-labs" is "Acme Labs".
func orName(id string) string {
	words := strings.Split(id, "-")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

func writePlugin(dir, id, service, keyEnv, sdkDir string) error {
	m := &sdk.Manifest{
		ID: id, Name: orName(id), Description: "Connects " + orName(id) + ".", Version: "0.1.0", Protocol: sdk.ProtocolVersion,
		Licence: "MIT", BaseURL: strings.TrimRight(service, "/"),
	}
	if service != "" {
		m.Key = &sdk.ManifestKey{Header: "Authorization", Prefix: "Bearer ", Env: keyEnv, Optional: true}
	}
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if _, err := sdk.ParseManifest(manifest); err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is there already, and not empty: name another place with --dir", dir)
	}
	u, err := url.Parse(m.BaseURL)
	if err != nil {
		return fmt.Errorf("read the address: %w", err)
	}
	data := map[string]any{
		"ID": id, "Name": m.Name, "Path": u.Path, "Year": time.Now().Year(),
		// A name that begins like no number, and is not taken by an import or a function.
		"Type": "provider" + strings.ReplaceAll(m.Name, " ", ""),
	}
	files := map[string][]byte{
		"plugin.json": append(manifest, '\n'),
		".gitignore":  []byte("/bin/\n*.ovp\n*.key\n"),
	}
	templates := map[string]string{"LICENSE": "LICENSE", ".github/workflows/test.yml": "ci.yml", "main.go": "hello.go", "main_test.go": "hello_test.go"}
	if service != "" {
		templates["main.go"], templates["main_test.go"] = "service.go", "service_test.go"
	}
	for name, from := range templates {
		t, err := template.ParseFS(newPlugin, "newplugin/"+from+".tmpl")
		if err != nil {
			return fmt.Errorf("read template: %w", err)
		}
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		files[name] = b.Bytes()
	}
	at, source := "./sdk", sdk.Source()
	if sdkDir != "" {
		if at, err = filepath.Abs(sdkDir); err != nil {
			return fmt.Errorf("find the SDK: %w", err)
		}
		source = os.DirFS(at)
	}
	goMod, err := fs.ReadFile(source, "go.mod")
	if err != nil {
		return fmt.Errorf("%s is no checkout of the SDK: %w", at, err)
	}
	if files["go.mod"], err = moduleFor(id, at, goMod); err != nil {
		return err
	}
	if files["go.sum"], err = fs.ReadFile(source, "go.sum"); err != nil {
		return fmt.Errorf("read the SDK: %w", err)
	}
	if sdkDir == "" {
		if err := copySDK(source, files); err != nil {
			return err
		}
	}
	for name, content := range files {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return fmt.Errorf("make a directory: %w", err)
		}
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return fmt.Errorf("write the plugin: %w", err)
		}
	}
	return nil
}

var sdkModule = regexp.MustCompile(`(?m)^module (\S+)$`)

// moduleFor makes a go.mod that needs nothing but the SDK and what the SDK needs, in the same versions: whoever has built
// OpenVibez has all of it.
func moduleFor(id, sdkAt string, sdkMod []byte) ([]byte, error) {
	found := sdkModule.FindSubmatch(sdkMod)
	if found == nil {
		return nil, errors.New("the SDK's go.mod names no module")
	}
	rest := strings.TrimSpace(string(sdkMod[bytes.Index(sdkMod, found[0])+len(found[0]):]))
	// What the SDK needs, the plugin needs indirectly.
	lines := strings.Split(rest, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "\t") && !strings.Contains(line, "//") {
			lines[i] = line + " // indirect"
		}
	}
	return fmt.Appendf(nil, "module %s\n\n%s\n\nrequire %s v0.0.0\n\nreplace %s => %s\n", id, strings.Join(lines, "\n"), found[1], found[1], sdkAt), nil
}

// copySDK adds the SDK without its own tests.
func copySDK(source fs.FS, files map[string][]byte) error {
	return fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		content, err := fs.ReadFile(source, name)
		files[path.Join("sdk", name)] = content
		return err
	})
}

func testCommand(t *terminal.Terminal) *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "test [DIR]",
		Short: "Check that the plugin in a directory keeps the contract",
		Long: `Runs the tests of the plugin in a directory, with go test. The contract is checked by sdktest, which the
plugin's own test calls: conversations, cancelling at each event, turns at once, and, where the test has a
stand-in for the service, all that services do: errors, limits, answers that break off, come slowly,
malformed, twice, or in lines of 10 MB.`,
		Example: `  openvibez plugin test
  openvibez plugin test ./acme -v`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, m, err := pluginIn(args)
			if err != nil {
				return err
			}
			command := []string{"test", "-count=1", "./..."}
			if verbose {
				command = append(command, "-v")
			}
			if err := goTool(cmd.Context(), t, dir, nil, command...); err != nil {
				return fmt.Errorf("%s does not keep the contract yet: %w", m.Name, err)
			}
			t.Out.Printf("%s %s keeps the contract\n", t.Out.Green("ok"), m.Name)
			return nil
		},
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print each check")
	return cmd
}

// pluginIn reads the manifest of the plugin in a directory: the argument, or the present one.
func pluginIn(args []string) (dir string, m *sdk.Manifest, err error) {
	dir = "."
	if len(args) > 0 {
		dir = args[0]
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", nil, fmt.Errorf("find the plugin: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "plugin.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("there is no plugin in %s: it has no plugin.json. `openvibez plugin new NAME` writes one", dir)
	}
	if err != nil {
		return "", nil, fmt.Errorf("read the plugin's manifest: %w", err)
	}
	m, err = sdk.ParseManifest(text)
	return dir, m, err
}

// goTool runs the go command in a plugin's directory; what it prints goes to standard error.
func goTool(ctx context.Context, t *terminal.Terminal, dir string, env []string, args ...string) error {
	if _, err := exec.LookPath("go"); err != nil {
		return errors.New("the go command is not found: get Go from https://go.dev/dl")
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, t.Err, t.Err
	// The plugin's directory is a module of its own, wherever it lies.
	cmd.Env = append(append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0"), env...)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go %s: %w", args[0], err)
	}
	return nil
}
