package local

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/place"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/terminal"
	"github.com/openvibez/openvibez/host/tool"
)

// known is what OpenVibez knows of a directory that commands would run in.
type known struct {
	workspace *apiv1.Workspace // nil: none is there
	rules     []*apiv1.Rule
	level     string
	// A repository deeper in the workspace, which is not trusted because the workspace is.
	nested bool
}

// lookUp asks the host, if one runs, else the database, if there is one. Nothing is changed.
func lookUp(ctx context.Context, t *terminal.Terminal, dir string) (known, error) {
	d, err := place.Find(t.Getenv)
	if err != nil {
		return known{}, err
	}
	c, err := client.Connect(ctx, d)
	switch {
	case err == nil:
		return askHost(ctx, c, dir)
	case !errors.Is(err, client.ErrNoHost):
		return known{}, err
	}
	k := known{level: policy.LevelNone.String()}
	if s, err := ownSandbox(t); err == nil {
		k.level = s.Report(ctx).Level.String()
		if err := s.Close(); err != nil {
			return k, err
		}
	}
	if _, err := os.Stat(d.Database()); errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	st, err := store.Open(ctx, store.Config{Path: d.Database(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return k, err
	}
	defer st.Close()
	all, _, err := st.Workspaces(ctx)
	if err != nil {
		return k, err
	}
	if k.find(all, dir); k.workspace != nil {
		k.rules, _, err = st.Rules(ctx, k.workspace.Id)
	}
	return k, err
}

func askHost(ctx context.Context, c *client.Client, dir string) (k known, err error) {
	status, err := c.Host.GetStatus(ctx, &apiv1.GetStatusRequest{})
	if err != nil {
		return k, err
	}
	k.level = status.Host.GetSandboxLevel()
	all, err := c.Workspaces.ListWorkspaces(ctx, &apiv1.ListWorkspacesRequest{})
	if err != nil {
		return k, err
	}
	if k.find(all.Workspaces, dir); k.workspace == nil {
		return k, nil
	}
	rules, err := c.Workspaces.ListRules(ctx, &apiv1.ListRulesRequest{WorkspaceId: k.workspace.Id})
	k.rules = rules.GetRules()
	return k, err
}

// find looks for the innermost workspace that a directory lies in.
func (k *known) find(all []*apiv1.Workspace, dir string) {
	for _, w := range all {
		if within(w.Path, dir) && (k.workspace == nil || len(w.Path) > len(k.workspace.Path)) {
			k.workspace = w
		}
	}
	if k.workspace == nil {
		return
	}
	for ; dir != k.workspace.Path; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			k.nested = true
		}
	}
}

func within(root, dir string) bool {
	return dir == root || strings.HasPrefix(dir, strings.TrimSuffix(root, string(filepath.Separator))+string(filepath.Separator))
}

// place is where a command in the directory would run, as a new session in the workspace would have it.
func (k *known) place(dir string) policy.Place {
	p := policy.Place{Root: dir}
	if k.workspace != nil {
		p.Root = k.workspace.Path
	}
	if p.GitProgram = tool.GitPrograms(p.Root); p.GitProgram == "" {
		p.GitProgram = tool.GitPrograms(dir)
	}
	// What was remembered was not meant for what lies there now, nor for a repository deeper in it.
	if k.workspace == nil || k.nested || k.workspace.Problem != "" {
		return p
	}
	p.RunUnknown = k.workspace.RunUnknown
	for _, r := range k.rules {
		switch {
		case r.SessionId != "":
		case r.Domain != "":
			p.Domains = append(p.Domains, r.Domain)
		default:
			p.Rules = append(p.Rules, policy.Rule{ID: r.Id, Prefix: r.Prefix})
		}
	}
	return p
}

// trust is the trust that commands in the directory have; empty: that of no workspace.
func (k *known) trust() string {
	switch {
	case k.workspace == nil:
		return ""
	case k.nested:
		return policy.TrustUntrusted.String()
	}
	return strings.ToLower(strings.TrimPrefix(k.workspace.Trust.String(), "TRUST_"))
}
