package store

import (
	"context"
	"fmt"
	"io/fs"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// Undo is what takes back a tool's change of a file.
type Undo struct {
	// Path is absolute, without symbolic links.
	Path string
	// Existed says that there was a file, with these bytes and this mode.
	Existed bool
	Before  []byte
	Mode    fs.FileMode
	// After is the SHA-256 of what the tool left there.
	After []byte
	// Seq is the place of the file change in its session's journal.
	Seq int64
	// Undone says that it was taken back.
	Undone bool
}

// Added is an entry to append; a file change may come with what takes it back.
type Added struct {
	Entry *apiv1.Entry
	Undo  *Undo
}

// AppendChanges is Append, durably, for entries of which some can be undone.
func (s *Store) AppendChanges(ctx context.Context, runID string, added ...Added) ([]*apiv1.Entry, error) {
	var kept []*apiv1.Entry
	err := s.write(ctx, true, func(t *tx) error {
		run, err := t.openRun(runID)
		if err != nil {
			return err
		}
		entries := make([]*apiv1.Entry, len(added))
		for i, a := range added {
			entries[i] = a.Entry
			if c := a.Entry.GetFileChange(); c != nil {
				c.Undoable = a.Undo != nil
			}
		}
		if kept, err = t.append(&run, entries); err != nil || len(kept) == 0 {
			return err
		}
		for i, a := range added {
			if a.Undo == nil {
				continue
			}
			before := a.Undo.Before
			if a.Undo.Existed && before == nil {
				before = []byte{}
			}
			_, err := t.exec("INSERT INTO undo (session_id, seq, path, before, mode, after_hash) VALUES (?, ?, ?, ?, ?, ?)",
				run.SessionID, kept[i].Seq, a.Undo.Path, before, int64(a.Undo.Mode), a.Undo.After)
			if err != nil {
				return fmt.Errorf("keep what was in %s: %w", a.Undo.Path, err)
			}
		}
		return t.saveRun(&run)
	})
	if err != nil {
		return nil, err
	}
	return kept, nil
}

// Undos gives what takes back a run's changes of files, newest first; seq, if not 0, asks for one of them.
func (s *Store) Undos(ctx context.Context, runID string, seq int64) ([]Undo, error) {
	var found []Undo
	err := s.read(ctx, func(v view) error {
		return v.each(func(scan func(...any) error) error {
			var u Undo
			var mode int64
			if err := scan(&u.Seq, &u.Path, &u.Existed, &u.Before, &mode, &u.After, &u.Undone); err != nil {
				return err
			}
			u.Mode = fs.FileMode(mode)
			found = append(found, u)
			return nil
		}, `SELECT u.seq, u.path, u.before IS NOT NULL, u.before, u.mode, u.after_hash, coalesce(json_extract(e.entry_json, '$.fileChange.undone'), 0)
			FROM entries e JOIN undo u ON u.session_id = e.session_id AND u.seq = e.seq
			WHERE e.run_id = ? AND (? = 0 OR e.seq = ?) ORDER BY u.seq DESC`, runID, seq, seq)
	})
	if err != nil {
		return nil, fmt.Errorf("find what run %s changed: %w", runID, err)
	}
	return found, nil
}

// SetUndone notes in the journal that a change of a file was taken back.
func (s *Store) SetUndone(ctx context.Context, sessionID string, seq int64) error {
	return s.write(ctx, true, func(t *tx) error {
		n, err := t.exec("UPDATE entries SET entry_json = json_set(entry_json, '$.fileChange.undone', json('true')), rev = ? WHERE session_id = ? AND seq = ? AND kind = ?",
			t.next(apiv1.Topic_TOPIC_ENTRIES), sessionID, seq, kindFileChange)
		if err == nil && n == 0 {
			err = fmt.Errorf("%w: entry %d is no change of a file", ErrNotFound, seq)
		}
		if err != nil {
			return fmt.Errorf("note what was undone: %w", err)
		}
		return nil
	})
}
