package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/folder"
)

type workspaceRow struct {
	ID           string `gorm:"column:id;primaryKey"`
	Path         string `gorm:"column:path"`
	Name         string `gorm:"column:name"`
	Device       int64  `gorm:"column:device"`
	Inode        int64  `gorm:"column:inode"`
	BornNS       int64  `gorm:"column:born_ns"`
	Trust        string `gorm:"column:trust"`
	SystemPrompt string `gorm:"column:system_prompt"`
	RunUnknown   bool   `gorm:"column:run_unknown"`
	CreatedMS    int64  `gorm:"column:created_ms"`
	Rev          int64  `gorm:"column:rev"`
}

func (workspaceRow) TableName() string { return "workspaces" }

var trustNames = map[apiv1.Trust]string{
	apiv1.Trust_TRUST_TRUSTED:   "trusted",
	apiv1.Trust_TRUST_READ_ONLY: "read_only",
	apiv1.Trust_TRUST_UNTRUSTED: "untrusted",
}

func trustOf(name string) apiv1.Trust {
	for t, n := range trustNames {
		if n == name {
			return t
		}
	}
	return apiv1.Trust_TRUST_UNTRUSTED
}

// proto looks at the directory too: one that lies in the place of another is never shown as trusted.
func (r *workspaceRow) proto() *apiv1.Workspace {
	p, _ := r.look()
	return p
}

// look also tells which directory was looked at.
func (r *workspaceRow) look() (*apiv1.Workspace, folder.ID) {
	p := &apiv1.Workspace{
		Id: r.ID, Path: r.Path, Name: r.Name, Trust: trustOf(r.Trust), SystemPrompt: r.SystemPrompt, RunUnknown: r.RunUnknown,
		CreatedMs: r.CreatedMS, Rev: r.Rev,
	}
	now, err := folder.Of(r.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.Problem = "the directory is gone; put it back, or remove the workspace"
	case err != nil:
		p.Problem = fmt.Sprintf("the directory can't be used: %s", err)
	case !now.Same(folder.ID{Device: r.Device, Inode: r.Inode, Born: r.BornNS}):
		p.Problem = "another directory lies here than the one that was added, so it is not trusted; trust it again if it is yours"
	default:
		return p, now
	}
	p.Trust, p.RunUnknown = apiv1.Trust_TRUST_UNTRUSTED, false
	return p, now
}

// bind makes the directory that lies at the path now the one that the row is about.
func (r *workspaceRow) bind() error {
	id, err := folder.Of(r.Path)
	if err != nil {
		return fmt.Errorf("%w: the directory can't be used: %w", ErrInvalid, err)
	}
	r.Device, r.Inode, r.BornNS = id.Device, id.Inode, id.Born
	return nil
}

// AddWorkspace takes up a directory, of which path is a name; symbolic links in it are resolved. Without a name it is
// called like the directory, without a trust it is untrusted. ErrConflict if it is there already.
func (s *Store) AddWorkspace(ctx context.Context, w *apiv1.Workspace) (*apiv1.Workspace, error) {
	if !filepath.IsAbs(w.Path) {
		return nil, fmt.Errorf("%w: %q is no absolute path", ErrInvalid, w.Path)
	}
	path, err := filepath.EvalSymlinks(w.Path)
	if err != nil {
		return nil, fmt.Errorf("%w: there is no such directory: %w", ErrInvalid, err)
	}
	if clean(path) != path {
		return nil, fmt.Errorf("%w: the name of %q is not valid UTF-8", ErrInvalid, path)
	}
	row := workspaceRow{ID: newID(), Path: path, Name: clean(strings.TrimSpace(w.Name)), Trust: trustNames[w.Trust], SystemPrompt: clean(w.SystemPrompt), RunUnknown: w.RunUnknown}
	if row.Name == "" {
		row.Name = filepath.Base(path)
	}
	if row.Trust == "" {
		row.Trust = trustNames[apiv1.Trust_TRUST_UNTRUSTED]
	}
	if err := row.bind(); err != nil {
		return nil, err
	}
	err = s.write(ctx, true, func(t *tx) error {
		row.CreatedMS, row.Rev = t.now, t.next(apiv1.Topic_TOPIC_WORKSPACES)
		err := t.orm.Create(&row).Error
		if sqliteCode(err) == sqliteUnique {
			return fmt.Errorf("%w: %s is a workspace already", ErrConflict, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.proto(), nil
}

// Workspaces gives all workspaces by name, and the revision to watch from.
func (s *Store) Workspaces(ctx context.Context) (all []*apiv1.Workspace, rev int64, err error) {
	err = s.read(ctx, func(v view) error {
		var rows []workspaceRow
		if err := v.orm.Order("name COLLATE NOCASE, path").Find(&rows).Error; err != nil {
			return fmt.Errorf("list workspaces: %w", err)
		}
		for i := range rows {
			all = append(all, rows[i].proto())
		}
		rev, err = v.revision()
		return err
	})
	return all, rev, err
}

// Workspace finds a workspace by id, path or name.
func (s *Store) Workspace(ctx context.Context, name string) (*apiv1.Workspace, error) {
	var row workspaceRow
	err := s.read(ctx, func(v view) (err error) {
		row, err = v.workspace(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.proto(), nil
}

// Ground is a workspace, and the directory that its trust is about: whatever lies there later is another matter.
func (s *Store) Ground(ctx context.Context, name string) (*apiv1.Workspace, folder.ID, error) {
	var row workspaceRow
	err := s.read(ctx, func(v view) (err error) {
		row, err = v.workspace(name)
		return err
	})
	if err != nil {
		return nil, folder.ID{}, err
	}
	w, id := row.look()
	return w, id, nil
}

func (v view) workspace(name string) (workspaceRow, error) {
	if filepath.IsAbs(name) {
		name = filepath.Clean(name)
		if real, err := filepath.EvalSymlinks(name); err == nil {
			name = real
		}
	}
	var rows []workspaceRow
	for _, where := range []string{"id = ?", "path = ?", "name = ? COLLATE NOCASE"} {
		if err := v.orm.Where(where, name).Find(&rows).Error; err != nil {
			return workspaceRow{}, fmt.Errorf("find workspace %s: %w", name, err)
		}
		switch len(rows) {
		case 0:
			continue
		case 1:
			return rows[0], nil
		}
		return workspaceRow{}, fmt.Errorf("%w: several workspaces are called %q (%s, %s, …): name one by its path", ErrAmbiguous, name, rows[0].Path, rows[1].Path)
	}
	return workspaceRow{}, fmt.Errorf("%w: there is no workspace %q", ErrNotFound, name)
}

// UpdateWorkspace lets change set name, trust, system prompt and run_unknown of a workspace. Setting trust means the
// directory that lies there now. change is given the workspace as it is kept, whatever lies in its place.
func (s *Store) UpdateWorkspace(ctx context.Context, name string, change func(*apiv1.Workspace) error) (*apiv1.Workspace, error) {
	var row workspaceRow
	err := s.write(ctx, true, func(t *tx) (err error) {
		if row, err = t.workspace(name); err != nil {
			return err
		}
		shown := row.proto()
		p := row.proto()
		if err := change(p); err != nil {
			return err
		}
		before := row
		row.Name, row.SystemPrompt = clean(strings.TrimSpace(p.Name)), clean(p.SystemPrompt)
		if row.Name == "" {
			row.Name = filepath.Base(row.Path)
		}
		if p.RunUnknown != shown.RunUnknown {
			row.RunUnknown = p.RunUnknown
		}
		if p.Trust != shown.Trust {
			row.Trust = trustNames[p.Trust]
			if row.Trust == "" {
				return fmt.Errorf("%w: a workspace is trusted, read_only or untrusted", ErrInvalid)
			}
			if p.Trust != apiv1.Trust_TRUST_UNTRUSTED {
				if err := row.bind(); err != nil {
					return err
				}
			}
		}
		if row == before {
			return nil
		}
		row.Rev = t.next(apiv1.Topic_TOPIC_WORKSPACES)
		if err := t.orm.Select("*").Updates(&row).Error; err != nil {
			return fmt.Errorf("write workspace %s: %w", row.Path, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return row.proto(), nil
}

// RemoveWorkspace forgets a workspace and its rules. Its sessions stay and have none.
func (s *Store) RemoveWorkspace(ctx context.Context, name string) error {
	return s.write(ctx, true, func(t *tx) error {
		row, err := t.workspace(name)
		if err != nil {
			return err
		}
		if err := t.removeRules("workspace_id = ?", row.ID); err != nil {
			return err
		}
		var sessions []sessionRow
		if err := t.orm.Where("workspace_id = ?", row.ID).Find(&sessions).Error; err != nil {
			return fmt.Errorf("find the sessions of %s: %w", row.Path, err)
		}
		for i := range sessions {
			sessions[i].WorkspaceID, sessions[i].AccessMode = nil, int32(apiv1.AccessMode_ACCESS_MODE_SCOPED)
			if err := t.saveSession(&sessions[i]); err != nil {
				return err
			}
		}
		if err := t.orm.Delete(&row).Error; err != nil {
			return fmt.Errorf("remove workspace %s: %w", row.Path, err)
		}
		return t.bury(apiv1.Topic_TOPIC_WORKSPACES, row.ID, "")
	})
}

// ToolCalls gives the arguments of the newest calls of a tool in a workspace, or in one session where workspaceID is
// empty; newest first.
func (s *Store) ToolCalls(ctx context.Context, workspaceID, sessionID, tool string, limit int) ([]string, error) {
	where, arg := "session_id = ?", sessionID
	if workspaceID != "" {
		where, arg = "session_id IN (SELECT id FROM sessions WHERE workspace_id = ?)", workspaceID
	}
	var calls []string
	err := s.read(ctx, func(v view) error {
		return v.each(func(scan func(...any) error) error {
			e, err := entry(scan)
			if err != nil {
				return err
			}
			calls = append(calls, e.GetToolCall().GetArgumentsJson())
			return nil
		}, "SELECT "+entryColumns+" FROM entries WHERE kind = ? AND "+where+" AND json_extract(entry_json, '$.toolCall.name') = ? ORDER BY id DESC LIMIT ?",
			kindToolCall, arg, tool, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("find calls of %s: %w", tool, err)
	}
	return calls, nil
}
