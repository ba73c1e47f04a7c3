package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/cli"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/host/place"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/provider"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/terminal"
	"github.com/openvibez/openvibez/host/tray"
	"github.com/openvibez/openvibez/host/window"
	"github.com/openvibez/openvibez/ui"
)

// Doctor makes the command that looks at an installation, with a running host and without.
func Doctor(t *terminal.Terminal, version string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what works here and what does not, and how to mend it",
		Long: `Looks at the data directory, the keychain, the database, the plugins, the tray, the window and at what is on this
machine to talk to. Works with and without a running host, and changes nothing. The exit code is 1 if
something fails; warnings are things one can live without.`,
		Example: `  openvibez doctor
  openvibez doctor --json | jq -r 'select(.state == "fail") | .name'`,
		Args: terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{Terminal: t, asJSON: asJSON, version: version}
			d.examine(cmd.Context())
			if d.failed > 0 {
				return terminal.Fail(terminal.Failed, fmt.Errorf("%d of these have to be mended", d.failed))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each finding as a JSON object on a line")
	return cmd
}

// doctor examines an installation and says what it finds.
type doctor struct {
	*terminal.Terminal
	asJSON  bool
	version string
	failed  int
}

func (d *doctor) ok(name, words string) { d.say("ok", name, words) }

func (d *doctor) warn(name, words string) { d.say("warn", name, words) }

func (d *doctor) fail(name, words string) {
	d.failed++
	d.say("fail", name, words)
}

func (d *doctor) say(state, name, words string) {
	if d.asJSON {
		_ = json.NewEncoder(d.Out).Encode(map[string]string{"name": name, "state": state, "words": words})
		return
	}
	paint := map[string]func(string) terminal.Styled{"ok": d.Out.Green, "warn": d.Out.Yellow, "fail": d.Out.Red}[state]
	d.Out.Printf("%s  %-9s %s\n", paint(fmt.Sprintf("%-4s", state)), name, words)
}

func (d *doctor) examine(ctx context.Context) {
	dirs, err := place.Find(d.Getenv)
	if err != nil {
		d.fail("data", err.Error())
		return
	}
	d.directories(dirs)
	d.codex()
	d.keychain(ctx)
	d.sandbox(ctx)
	c, err := client.Connect(ctx, dirs)
	switch {
	case err == nil:
		d.running(ctx, c)
	case errors.Is(err, client.ErrNoHost):
		d.ok("host", "not running; `openvibez` starts it")
		d.resting(ctx, dirs)
	default:
		d.fail("host", err.Error())
	}
	d.desktop()
}

func (d *doctor) directories(dirs place.Dirs) {
	there := dirs.Data
	for _, err := os.Stat(there); errors.Is(err, os.ErrNotExist) && there != filepath.Dir(there); _, err = os.Stat(there) {
		there = filepath.Dir(there)
	}
	probe, err := os.CreateTemp(there, ".probe-*")
	if err != nil {
		d.fail("data", fmt.Sprintf("%s can't be written: %v; mend its permissions, or set OPENVIBEZ_HOME to another directory", there, err))
		return
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	if there != dirs.Data {
		d.ok("data", dirs.Data+" (will be made at the first start)")
		return
	}
	d.ok("data", dirs.Data)
	if _, err := os.Stat(dirs.Runtime); err == nil {
		if err := place.CheckPrivate(dirs.Runtime); err != nil {
			d.fail("sockets", err.Error())
		}
	}
}

// keychain asks the system's keychain whether it answers.
func (d *doctor) keychain(ctx context.Context) {
	if err := keys.CheckKeychain(ctx); err != nil {
		d.warn("keychain", err.Error()+"; keys can be kept in environment variables instead: openvibez provider add NAME --key-env VARIABLE")
		return
	}
	d.ok("keychain", "answers")
}

// sandbox tries what commands and plugins are held by.
func (d *doctor) sandbox(ctx context.Context) {
	s, err := ownSandbox(d.Terminal)
	if err != nil {
		d.fail("sandbox", err.Error())
		return
	}
	defer s.Close()
	r := s.Report(ctx)
	held := 0
	for _, p := range r.Probes {
		if p.OK {
			held++
		} else if r.Level != policy.LevelFull {
			d.warn("sandbox", "from inside one can "+p.Name)
		}
		if d.asJSON {
			state := map[bool]string{true: "ok", false: "warn"}[p.OK]
			d.say(state, "sandbox: "+p.Name, p.Words)
		}
	}
	switch r.Level {
	case policy.LevelFull:
		d.ok("sandbox", fmt.Sprintf("level full: all %d attempts to get out were held", held))
	case policy.LevelReduced:
		d.warn("sandbox", "level reduced, so more is asked: "+r.Problem+". "+r.Fix)
	default:
		d.warn("sandbox", "level none, so every command is asked about or denied: "+r.Problem+". "+r.Fix)
	}
	if r.Level != policy.LevelNone {
		d.ok("memory", "what commands and plugins use is "+r.Memory)
	}
}

// codex looks at the program named for a Codex provider.
func (d *doctor) codex() {
	path := d.Getenv("OPENVIBEZ_CODEX_BIN")
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		d.warn("codex", fmt.Sprintf("OPENVIBEZ_CODEX_BIN names no program: %v", err))
	case info.IsDir() || info.Mode()&0o111 == 0:
		d.warn("codex", fmt.Sprintf("OPENVIBEZ_CODEX_BIN names %s, which can't be executed", path))
	default:
		d.ok("codex", path+" (used once a Codex provider is installed)")
	}
}

// running asks the host.
func (d *doctor) running(ctx context.Context, c *client.Client) {
	s, err := c.Host.GetStatus(ctx, &apiv1.GetStatusRequest{})
	if err != nil {
		d.fail("host", err.Error())
		return
	}
	h := s.Host
	d.ok("host", fmt.Sprintf("running, process %d, version %s", h.Pid, h.Version))
	if h.Version != d.version {
		d.warn("host", fmt.Sprintf("this program is version %s: `openvibez stop` and start it again to use it", d.version))
	}
	d.ok("database", "in use by the host; stop it to have it checked")
	if list, err := c.Plugins.ListPlugins(ctx, &apiv1.ListPluginsRequest{}); err != nil {
		d.fail("plugins", err.Error())
	} else {
		d.plugins(list.Plugins)
	}
	if list, err := c.Providers.ListProviders(ctx, &apiv1.ListProvidersRequest{}); err != nil {
		d.fail("providers", err.Error())
	} else {
		d.configured(list.Providers)
	}
	if set, err := c.Host.GetSettings(ctx, &apiv1.GetSettingsRequest{}); err != nil {
		d.fail("settings", err.Error())
	} else {
		d.settings(set.Settings)
	}
	if h.Tray {
		d.ok("tray", "the icon is shown")
	} else {
		d.warn("tray", h.TrayProblem)
	}
	for _, hint := range s.Hints {
		d.ok("found", cli.HintWords(hint))
	}
}

// resting looks for itself, as the host would.
func (d *doctor) resting(ctx context.Context, dirs place.Dirs) {
	silent := slog.New(slog.NewTextHandler(io.Discard, nil))
	var st *store.Store
	if _, err := os.Stat(dirs.Database()); errors.Is(err, os.ErrNotExist) {
		d.ok("database", "none yet")
	} else if st, err = store.Open(ctx, store.Config{Path: dirs.Database(), Logger: silent}); err != nil {
		d.fail("database", err.Error())
	} else {
		defer st.Close()
		if err := st.CheckInvariants(ctx); err != nil {
			d.fail("database", fmt.Sprintf("%s: %v; keep a copy of it before anything else", dirs.Database(), err))
		} else {
			d.ok("database", dirs.Database()+", checked")
		}
	}
	exe, err := place.Executable()
	if err != nil {
		d.fail("program", err.Error())
		return
	}
	sockets, err := os.MkdirTemp(place.ShortTemp(), "openvibez-doctor-")
	if err != nil {
		d.fail("plugins", err.Error())
		return
	}
	defer os.RemoveAll(sockets)
	boxes := sandbox.New(sandbox.Config{Helper: place.SandboxHelper(exe), CacheDir: dirs.Cache, RuntimeDir: filepath.Join(sockets, "b"), Logger: silent, Getenv: d.Getenv})
	defer func() { _ = boxes.Close() }()
	m := plugin.New(plugin.Config{
		PluginDirs: []string{filepath.Dir(exe)}, InstallDir: dirs.Plugins(), Sandbox: boxes,
		RuntimeDir: filepath.Join(sockets, "p"), Logger: silent, Getenv: d.Getenv,
	})
	defer m.Close()
	d.plugins(m.Plugins(ctx))
	if st != nil {
		if list, err := st.Providers(ctx); err != nil {
			d.fail("providers", err.Error())
		} else {
			d.configured(list)
		}
		if list, err := st.Settings(ctx); err != nil {
			d.fail("settings", err.Error())
		} else {
			d.settings(list)
		}
	}
	if problem := tray.PanelProblem(); problem != "" {
		d.warn("tray", problem+"; the chat opens with `openvibez open`")
	} else {
		d.ok("tray", "a panel shows icons here")
	}
	connections := provider.Config{Plugins: m, Logger: silent, Getenv: d.Getenv}
	if st != nil {
		connections.Book = st
	}
	for _, f := range provider.New(connections).Detect(ctx) {
		d.ok("found", cli.HintWords(f))
	}
}

func (d *doctor) settings(list []*apiv1.Setting) {
	for _, words := range store.BadSettings(list) {
		d.warn("settings", words)
	}
}

func (d *doctor) plugins(list []*apiv1.Plugin) {
	if len(list) == 0 {
		d.fail("plugins", "none found: the programs openvibez-provider-NAME belong beside openvibez (make build puts them there)")
	}
	for _, p := range list {
		switch {
		case p.Problem != "":
			d.fail("plugin", p.Id+": "+p.Problem)
		case p.Description == nil:
			d.fail("plugin", p.Id+": it does not say what it is: "+p.Path)
		default:
			words := strings.TrimSpace(fmt.Sprintf("%s: %s %s", p.Id, p.Description.Name, p.Description.Version))
			if p.Confinement != "" && p.Confinement != "full" {
				words += "; confinement: " + p.Confinement
			}
			if p.Requests > 0 {
				words += fmt.Sprintf("; %d requests since the host was started, %d refused", p.Requests, p.Refused)
			}
			d.ok("plugin", words)
		}
	}
}

func (d *doctor) configured(list []*apiv1.Provider) {
	if len(list) == 0 {
		d.warn("providers", "none configured: openvibez provider add PLUGIN adds one")
	}
	for _, p := range list {
		if p.Error != nil {
			d.warn("provider", fmt.Sprintf("%s did not work when it was last tested: %s", p.Name, p.Error.Message))
		} else {
			d.ok("provider", p.Name)
		}
	}
}

func (d *doctor) desktop() {
	if err := window.HasDisplay(d.Getenv); err != nil {
		d.warn("display", err.Error()+"; the chat opens in a browser elsewhere: openvibez open --link")
	} else {
		d.ok("display", "there is one")
	}
	exe, err := place.Executable()
	if err != nil {
		return
	}
	if problem := window.Problem(place.WindowProgram(exe)); problem != "" {
		d.warn("window", problem+"; the browser is used instead")
	} else {
		d.ok("window", "its program and libraries are there")
	}
	if ui.Built() {
		d.ok("page", "part of this program")
	} else {
		d.warn("page", "this program was built without the chat page: make build adds it; the terminal works without")
	}
}
