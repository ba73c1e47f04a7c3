package server

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func (a *api) ListWorkspaces(ctx context.Context, _ *apiv1.ListWorkspacesRequest) (*apiv1.ListWorkspacesResponse, error) {
	all, rev, err := a.Store.Workspaces(ctx)
	return &apiv1.ListWorkspacesResponse{Workspaces: all, Rev: rev}, err
}

func (a *api) GetWorkspace(ctx context.Context, req *apiv1.GetWorkspaceRequest) (*apiv1.GetWorkspaceResponse, error) {
	rev := a.Store.Rev()
	w, err := a.workspace(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	return &apiv1.GetWorkspaceResponse{Workspace: w, Rev: rev}, nil
}

func (a *api) AddWorkspace(ctx context.Context, req *apiv1.AddWorkspaceRequest) (*apiv1.AddWorkspaceResponse, error) {
	name := strings.TrimSpace(req.Name)
	if err := checkName("name", name); err != nil {
		return nil, err
	}
	risk, err := a.checkPlace(req.Path)
	if err != nil {
		return nil, err
	}
	if req.Trust != apiv1.Trust_TRUST_UNSPECIFIED && req.Trust != apiv1.Trust_TRUST_UNTRUSTED {
		if err := a.trustOnly(req.Path); err != nil {
			return nil, err
		}
	}
	real, err := filepath.EvalSymlinks(req.Path)
	if err != nil {
		return nil, refuse(connect.CodeInvalidArgument, "there is no such directory: %w", err)
	}
	if risk != "" {
		if err := a.socketOnly("open a directory that may hold keys to models", "type `openvibez workspace add "+quoteShell(real)+"` in a terminal"); err != nil {
			return nil, err
		}
		if !req.Confirmed {
			return &apiv1.AddWorkspaceResponse{Question: risk}, nil
		}
	}
	if err := a.consent(ctx, "Let models read this folder? Whatever lies in it can go to the providers you use.", real); err != nil {
		return nil, err
	}
	w, err := a.Store.AddWorkspace(ctx, &apiv1.Workspace{Path: real, Name: name, Trust: req.Trust})
	if err != nil {
		return nil, err
	}
	return &apiv1.AddWorkspaceResponse{Workspace: w, Rev: w.Rev}, nil
}

// trustOnly keeps the page from trusting: whoever could speak through it would say yes to himself.
func (a *api) trustOnly(path string) error {
	return a.socketOnly("trust a directory", "type `openvibez workspace trust "+quoteShell(path)+"` in a terminal")
}

// quoteShell writes a word as a shell reads it.
func quoteShell(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// checkPlace refuses directories that can't be workspaces, and says of those that hold more than a project what a person
// should know first: all that lies in a workspace is open to models.
func (a *api) checkPlace(path string) (risk string, err error) {
	if !filepath.IsAbs(path) || len(path) > 4096 {
		return "", refuse(connect.CodeInvalidArgument, "%.80q is no absolute path of a directory", path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", refuse(connect.CodeInvalidArgument, "there is no such directory: %w", err)
	}
	data, err := filepath.EvalSymlinks(a.DataDir)
	if err != nil {
		return "", fmt.Errorf("find the data directory: %w", err)
	}
	if within(real, data) {
		return "", refuse(connect.CodeInvalidArgument, "%s holds what OpenVibez keeps for itself, or your whole home: choose the directory of one project below it", real)
	}
	if within(data, real) {
		return "", refuse(connect.CodeInvalidArgument, "%s belongs to OpenVibez itself: choose another directory", real)
	}
	for _, dir := range []string{"/proc", "/sys", "/dev", "/run"} {
		if within(dir, real) {
			return "", refuse(connect.CodeInvalidArgument, "%s belongs to the system: choose the directory of a project", real)
		}
	}
	home := a.Getenv("HOME")
	if home != "" {
		if known, err := filepath.EvalSymlinks(home); err == nil {
			home = known
		}
	}
	switch {
	case home != "" && real == home:
		return "It is your whole home: keys, passwords that programs keep, and all your files.", nil
	case home != "" && within(real, home):
		return "", refuse(connect.CodeInvalidArgument, "%s holds your whole home, keys included: choose the directory of one project in it", real)
	case secret(home, real):
		return "Programs keep settings, keys and passwords there.", nil
	}
	return "", nil
}

// secret tells of directories where programs keep settings and keys: those below hidden ones at home, and the system's.
func secret(home, path string) bool {
	if rel, err := filepath.Rel(home, path); home != "" && err == nil && within(home, path) {
		return strings.HasPrefix(rel, ".")
	}
	for _, dir := range []string{"/etc", "/root", "/boot", "/var/lib", "/var/log", "/var/spool", "/var/backups"} {
		if within(dir, path) {
			return true
		}
	}
	return false
}

// within tells whether path is dir or lies below it.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func (a *api) workspace(ctx context.Context, name string) (*apiv1.Workspace, error) {
	if strings.TrimSpace(name) == "" {
		return nil, refuse(connect.CodeInvalidArgument, "no workspace is named")
	}
	return a.Store.Workspace(ctx, name)
}

func (a *api) UpdateWorkspace(ctx context.Context, req *apiv1.UpdateWorkspaceRequest) (*apiv1.UpdateWorkspaceResponse, error) {
	w, err := a.workspace(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	if err := checkName("name", strings.TrimSpace(req.GetName())); err != nil {
		return nil, err
	}
	if err := checkText("system prompt", req.GetSystemPrompt()); err != nil {
		return nil, err
	}
	w, err = a.Store.UpdateWorkspace(ctx, w.Id, func(w *apiv1.Workspace) error {
		if req.Name != nil {
			w.Name = *req.Name
		}
		if req.SystemPrompt != nil {
			w.SystemPrompt = *req.SystemPrompt
		}
		if req.RunUnknown != nil {
			if *req.RunUnknown && !w.RunUnknown {
				if err := a.socketOnly("let unknown commands run without asking", "type `openvibez workspace set --run-unknown "+quoteShell(w.Path)+"` in a terminal"); err != nil {
					return err
				}
			}
			w.RunUnknown = *req.RunUnknown
		}
		if req.Trust != nil {
			if more(*req.Trust, w.Trust) {
				if err := a.trustOnly(w.Path); err != nil {
					return err
				}
			}
			w.Trust = *req.Trust
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apiv1.UpdateWorkspaceResponse{Workspace: w, Rev: w.Rev}, nil
}

// more tells whether trust a is more than b.
func more(a, b apiv1.Trust) bool {
	rank := map[apiv1.Trust]int{apiv1.Trust_TRUST_READ_ONLY: 1, apiv1.Trust_TRUST_TRUSTED: 2}
	return rank[a] > rank[b]
}

func (a *api) RemoveWorkspace(ctx context.Context, req *apiv1.RemoveWorkspaceRequest) (*apiv1.RemoveWorkspaceResponse, error) {
	w, err := a.workspace(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	return &apiv1.RemoveWorkspaceResponse{}, a.Store.RemoveWorkspace(ctx, w.Id)
}

func (a *api) ListRules(ctx context.Context, req *apiv1.ListRulesRequest) (*apiv1.ListRulesResponse, error) {
	id := ""
	if req.WorkspaceId != "" {
		w, err := a.workspace(ctx, req.WorkspaceId)
		if err != nil {
			return nil, err
		}
		id = w.Id
	}
	rules, rev, err := a.Store.Rules(ctx, id)
	return &apiv1.ListRulesResponse{Rules: rules, Rev: rev}, err
}

// registries are where the common package managers fetch from.
func registries() []string {
	return []string{
		"registry.npmjs.org", "registry.yarnpkg.com", "pypi.org", "files.pythonhosted.org", "proxy.golang.org", "sum.golang.org",
		"crates.io", "index.crates.io", "static.crates.io", "rubygems.org", "index.rubygems.org", "repo.maven.apache.org",
		"repo1.maven.org", "plugins.gradle.org", "services.gradle.org", "repo.packagist.org", "api.nuget.org", "hex.pm", "repo.hex.pm", "jsr.io",
	}
}

// A host's name with at least one dot, of letters with at least one at the end: no address, no port. A star stands for all below.
var domainName = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (a *api) GrantDomains(ctx context.Context, req *apiv1.GrantDomainsRequest) (*apiv1.GrantDomainsResponse, error) {
	w, err := a.workspace(ctx, req.WorkspaceId)
	if err != nil {
		return nil, err
	}
	if len(req.Domains) > 0 {
		if err := a.socketOnly("name hosts that commands may reach", "type `openvibez workspace allow "+quoteShell(w.Path)+" HOST` in a terminal, or answer the question when a command asks"); err != nil {
			return nil, err
		}
	}
	domains := req.Domains
	if req.Registries {
		if err := a.consent(ctx, "Let commands in "+w.Path+" reach the package registries without asking? They can send there whatever they can read.", strings.Join(registries(), " ")); err != nil {
			return nil, err
		}
		domains = append(domains, registries()...)
	}
	if len(domains) == 0 {
		return nil, refuse(connect.CodeInvalidArgument, "no host is named")
	}
	var rules []*apiv1.Rule
	for _, d := range domains {
		d = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(d)), ".")
		if !domainName.MatchString(d) || len(d) > 253 {
			return nil, refuse(connect.CodeInvalidArgument, "%.80q is no name of a host: write it like example.org, or *.example.org for all below it, without https:// and without a port", d)
		}
		if strings.HasPrefix(d, "*.") && strings.Count(d, ".") < 2 {
			return nil, refuse(connect.CodeInvalidArgument, "%s would allow half of the internet: name a host below it", d)
		}
		rules = append(rules, &apiv1.Rule{WorkspaceId: w.Id, Domain: d, MadeBy: a.by()})
	}
	rules, err = a.Store.AddRules(ctx, rules...)
	return &apiv1.GrantDomainsResponse{Rules: rules}, err
}

func (a *api) RevokeRule(ctx context.Context, req *apiv1.RevokeRuleRequest) (*apiv1.RevokeRuleResponse, error) {
	if err := checkID("rule", req.Id); err != nil {
		return nil, err
	}
	return &apiv1.RevokeRuleResponse{}, a.Store.RevokeRule(ctx, req.Id)
}

// by is what the journal calls the way a caller came.
func (a *api) by() apiv1.Author {
	if a.fromPage {
		return apiv1.Author_AUTHOR_WINDOW
	}
	return apiv1.Author_AUTHOR_CLI
}
