package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/tool"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// before looks at the workspace before the run's first command, so that what commands do can be told.
func (x *execution) before(ctx context.Context, root string) error {
	if x.seen != nil && x.seenRoot == root {
		return nil
	}
	if err := x.reportNow(ctx); err != nil {
		return err
	}
	s, err := tool.Look(ctx, root)
	if err != nil {
		return err
	}
	x.seen, x.seenRoot = s, root
	return nil
}

// touched takes note of an edit, which speaks for itself.
func (x *execution) touched(root, path string) {
	if x.seen != nil && x.seenRoot == root {
		x.seen.Touch(root, path)
	}
}

// report tells what commands have changed in the workspace since it was looked at last.
func (x *execution) report(ctx context.Context) []*apiv1.Entry {
	if x.seen == nil {
		return nil
	}
	now, err := tool.Look(ctx, x.seenRoot)
	if err != nil {
		x.desk.log.Warn("look at what changed", "run", x.run.Id, "error", err)
		return []*apiv1.Entry{notice("What the commands changed could not be looked at: " + err.Error())}
	}
	changes, left := now.Since(x.seen)
	cut := x.seen.Cut + now.Cut
	x.seen = now
	var entries []*apiv1.Entry
	for _, c := range changes {
		entries = append(entries, &apiv1.Entry{Body: &apiv1.Entry_FileChange{FileChange: c}})
	}
	return append(entries, incomplete(left, cut)...)
}

// lastReport is the report at a run's end; while the host ends there is little time for it.
func (x *execution) lastReport(ctx context.Context) []*apiv1.Entry {
	closing := errors.Is(context.Cause(ctx), errClosing)
	ctx = context.WithoutCancel(ctx)
	if closing {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
	}
	return x.report(ctx)
}

// reportNow journals what commands have changed so far.
func (x *execution) reportNow(ctx context.Context) error {
	entries := x.report(ctx)
	if len(entries) == 0 {
		return nil
	}
	return x.record(ctx, false, entries...)
}

func notice(text string) *apiv1.Entry {
	return &apiv1.Entry{Body: &apiv1.Entry_Notice{Notice: &providerv1.Notice{Level: providerv1.Notice_LEVEL_INFO, Text: text}}}
}

func undoOf(c tool.Change) *store.Undo {
	return &store.Undo{Path: c.Path, Existed: c.Existed, Before: c.Before, Mode: fs.FileMode(c.Mode), After: c.After}
}

// UndoChanges puts back what a run's tools changed in files, newest first, or one change of those. A file that somebody
// has changed since stays as it is, and is named.
func (e *Engine) UndoChanges(ctx context.Context, req *apiv1.UndoChangesRequest) (*apiv1.UndoChangesResponse, error) {
	r, err := e.store.Run(ctx, req.RunId)
	if err != nil {
		return nil, err
	}
	undos, err := e.store.Undos(ctx, r.Id, req.Seq)
	if err != nil {
		return nil, err
	}
	if len(undos) == 0 {
		what := "run " + r.Id + " changed no file with its tools; what commands did can't be undone"
		if req.Seq != 0 {
			what = fmt.Sprintf("entry %d of run %s is no change that can be undone", req.Seq, r.Id)
		}
		return nil, fmt.Errorf("%w: %s", store.ErrNotFound, what)
	}
	// What is put back is noted as such, though the caller hangs up.
	ctx = context.WithoutCancel(ctx)
	res := &apiv1.UndoChangesResponse{}
	for _, u := range undos {
		if u.Undone {
			continue
		}
		err := tool.Restore(tool.Change{Path: u.Path, Existed: u.Existed, Before: u.Before, Mode: uint32(u.Mode), After: u.After})
		if err != nil {
			res.Problems = append(res.Problems, u.Path+": "+err.Error())
			continue
		}
		res.Undone = append(res.Undone, u.Path)
		if err := e.store.SetUndone(ctx, r.SessionId, u.Seq); err != nil {
			return nil, err
		}
	}
	return res, nil
}
