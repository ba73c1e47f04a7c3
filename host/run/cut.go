package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/tool"
)

// maxCutTime is how long the host's start may wait for a look at what commands did that the last host ended with.
const maxCutTime = 2 * time.Second

// reportCut journals what commands have changed whose run broke off together with the host. Nobody looked at their
// workspaces when they ended, so all that is known is what has changed there since they began. Call it before the runs
// are settled.
func (e *Engine) reportCut(ctx context.Context) error {
	if e.box == nil {
		return nil
	}
	open, err := e.store.OpenRuns(ctx)
	if err != nil {
		return fmt.Errorf("list open runs: %w", err)
	}
	looking, stop := context.WithTimeout(ctx, maxCutTime)
	defer stop()
	for _, r := range open {
		if store.AfterRestart(r.State) != apiv1.RunState_RUN_STATE_INTERRUPTED {
			continue
		}
		entries, err := e.cutReport(ctx, looking, r)
		if err == nil && len(entries) > 0 {
			_, err = e.store.Append(ctx, r.Id, false, entries...)
		}
		if err != nil {
			e.log.Warn("tell what the commands of an interrupted run changed", "run", r.Id, "error", err)
		}
	}
	return nil
}

func (e *Engine) cutReport(ctx, looking context.Context, r *apiv1.Run) ([]*apiv1.Entry, error) {
	journal, err := e.store.RunEntries(ctx, r.Id)
	if err != nil {
		return nil, err
	}
	since, told := begun(journal)
	if since.IsZero() {
		return nil, nil
	}
	session, err := e.store.Session(ctx, r.SessionId)
	if err != nil {
		return nil, err
	}
	w, err := e.workplace(ctx, session)
	if err != nil || w == nil {
		return nil, err
	}
	const cut = "OpenVibez ended before it could tell what the commands of this run changed. "
	root, err := filepath.EvalSymlinks(w.place.Root)
	if errors.Is(err, fs.ErrNotExist) {
		return []*apiv1.Entry{notice(cut + w.place.Root + " does not exist any more.")}, nil
	}
	var now *tool.Snapshot
	if err == nil {
		now, err = tool.Look(looking, root)
	}
	if err != nil {
		return []*apiv1.Entry{notice(cut + "What is different now is not known: " + err.Error() + ".")}, nil
	}
	changes, left := now.After(since, told)
	words := cut + "No file is new or different since the first of them began; what was deleted is not known."
	if len(changes) > 0 {
		words = cut + "Since the first of them began, these files have been changed, by the commands or by somebody else; what was deleted is not known."
	}
	entries := []*apiv1.Entry{notice(words)}
	for _, c := range changes {
		entries = append(entries, &apiv1.Entry{Body: &apiv1.Entry_FileChange{FileChange: c}})
	}
	return append(entries, incomplete(left, now.Cut)...), nil
}

// incomplete says what a list of changes lacks.
func incomplete(left int, cut string) []*apiv1.Entry {
	switch {
	case left > 0:
		return []*apiv1.Entry{notice(fmt.Sprintf("%d more files were changed.", left))}
	case cut != "":
		return []*apiv1.Entry{notice("This list of changed files may lack some: " + cut + ".")}
	}
	return nil
}

// begun finds when a run's first command was let through, and the files whose changes are in the journal. No command
// gives the zero time.
func begun(journal []*apiv1.Entry) (since time.Time, told map[string]bool) {
	told = map[string]bool{}
	shell := map[string]bool{}
	for _, en := range journal {
		switch body := en.Body.(type) {
		case *apiv1.Entry_ToolCall:
			shell[body.ToolCall.Id] = body.ToolCall.Name == tool.RunShell
		case *apiv1.Entry_Decision:
			if since.IsZero() && body.Decision.Allowed && shell[body.Decision.QuestionId] {
				since = time.UnixMilli(en.CreatedMs)
			}
		case *apiv1.Entry_FileChange:
			told[body.FileChange.Path] = true
		}
	}
	return since, told
}
