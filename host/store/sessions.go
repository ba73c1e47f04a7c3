package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// ListSessions gives one page of the sessions, pinned ones first, then the most recently active.
func (s *Store) ListSessions(ctx context.Context, req *apiv1.ListSessionsRequest) (*apiv1.ListSessionsResponse, error) {
	limit := pageLimit(req.Limit)
	res := &apiv1.ListSessionsResponse{}
	err := s.read(ctx, func(v view) (err error) {
		if res.Rev, err = v.revision(); err != nil {
			return err
		}
		where, args := "archived_ms = 0 AND deleted_ms = 0", []any{}
		if req.Archived {
			where = "archived_ms <> 0 AND deleted_ms = 0"
		}
		if req.PageToken != "" {
			after, err := parsePageToken(req.PageToken)
			if err != nil {
				return err
			}
			// Of the many that are not pinned, those before are skipped by the index.
			which := " AND pinned = 0 AND active_ms <= ? AND (active_ms < ? OR id > ?)"
			if after.Pinned {
				which = " AND (pinned = 0 OR active_ms < ? OR active_ms = ? AND id > ?)"
			}
			where += which
			args = append(args, after.ActiveMS, after.ActiveMS, after.ID)
		}
		var last sessionRow
		err = v.each(func(scan func(...any) error) error {
			if len(res.Sessions) == limit {
				res.NextPageToken = pageToken(last)
				return errEnough
			}
			last = sessionRow{}
			err := last.scanListed(scan)
			res.Sessions = append(res.Sessions, last.proto())
			return err
		}, "SELECT "+listedColumns+" FROM sessions WHERE "+where+" ORDER BY pinned DESC, active_ms DESC, id LIMIT ?", append(args, limit+1)...)
		if err != nil {
			return fmt.Errorf("list sessions: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

func pageLimit(asked int32) int {
	switch {
	case asked <= 0:
		return 100
	case asked > 1000:
		return 1000
	}
	return int(asked)
}

// pageToken says after which session the next page begins.
func pageToken(r sessionRow) string {
	pinned := 0
	if r.Pinned {
		pinned = 1
	}
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %s", pinned, r.ActiveMS, r.ID))
}

func parsePageToken(token string) (sessionRow, error) {
	var r sessionRow
	var pinned int
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d %d %s", &pinned, &r.ActiveMS, &r.ID)
	}
	if err != nil {
		return r, fmt.Errorf("%w: the page token %q is none that a list of sessions gave; leave it out to begin with the first page", ErrInvalid, token)
	}
	r.Pinned = pinned == 1
	return r, nil
}

// Session finds a session by its id or an unambiguous beginning of it.
func (s *Store) Session(ctx context.Context, idOrPrefix string) (*apiv1.Session, error) {
	var row sessionRow
	err := s.read(ctx, func(v view) (err error) {
		if row, err = v.session(idOrPrefix); !errors.Is(err, ErrNotFound) {
			return err
		}
		id, err := v.resolve("sessions", "session", "deleted_ms = 0", idOrPrefix)
		if err == nil {
			row, err = v.session(id)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.proto(), nil
}

// resolve finds the id that an id or the beginning of one stands for, among the rows of which a condition holds.
func (v view) resolve(table, noun, which, idOrPrefix string) (string, error) {
	prefix := strings.ToLower(strings.TrimSpace(idOrPrefix))
	if prefix == "" {
		return "", fmt.Errorf("%w: name a %s by its id or the beginning of it", ErrInvalid, noun)
	}
	var ids []string
	err := v.each(func(scan func(...any) error) error {
		var id string
		if err := scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
		return nil
	}, "SELECT id FROM "+table+" WHERE id >= ? AND id < ? AND "+which+" ORDER BY id LIMIT 4", prefix, prefix+"\U0010ffff")
	switch {
	case err != nil:
		return "", fmt.Errorf("find %s %s: %w", noun, prefix, err)
	case len(ids) == 0:
		return "", fmt.Errorf("%w: there is no %s %q", ErrNotFound, noun, idOrPrefix)
	case len(ids) == 1 || ids[0] == prefix:
		return ids[0], nil
	}
	list := strings.Join(ids, ", ")
	if len(ids) == 4 {
		list = strings.Join(ids[:3], ", ") + ", …"
	}
	return "", fmt.Errorf("%w: %q fits several %ss (%s): type more of the id", ErrAmbiguous, idOrPrefix, noun, list)
}

// session reads a session that was not deleted.
func (v view) session(id string) (sessionRow, error) {
	row, err := v.anySession(id)
	if err == nil && row.DeletedMS != 0 {
		return sessionRow{}, fmt.Errorf("%w: session %q was deleted; for a minute \"openvibez session restore %s\" brings it back", ErrNotFound, id, id)
	}
	return row, err
}

func (v view) anySession(id string) (sessionRow, error) {
	var row sessionRow
	err := row.scan(func(to ...any) error {
		return v.one("SELECT "+sessionColumns+" FROM sessions WHERE id = ?", []any{id}, to...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return row, fmt.Errorf("%w: there is no session %q; it may have been deleted", ErrNotFound, id)
	}
	if err != nil {
		return row, fmt.Errorf("read session %s: %w", id, err)
	}
	return row, nil
}

func (t *tx) saveSession(r *sessionRow) error {
	r.Rev = t.next(apiv1.Topic_TOPIC_SESSIONS)
	if err := t.orm.Select("*").Updates(r).Error; err != nil {
		return fmt.Errorf("write session %s: %w", r.ID, err)
	}
	return nil
}

func (t *tx) newSession(p *apiv1.Session) (sessionRow, error) {
	r := sessionRow{ID: newID(), CreatedMS: t.now, ActiveMS: t.now, Rev: t.next(apiv1.Topic_TOPIC_SESSIONS)}
	r.take(p)
	if r.Title != "" {
		r.Titled = true
	}
	if err := t.orm.Create(&r).Error; err != nil {
		return r, fmt.Errorf("make a session: %w", err)
	}
	return r, nil
}

// CreateSession makes an empty session of what callers may set in one. One that comes with a title keeps it.
func (s *Store) CreateSession(ctx context.Context, session *apiv1.Session) (*apiv1.Session, error) {
	var row sessionRow
	err := s.write(ctx, true, func(t *tx) (err error) {
		row, err = t.newSession(session)
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.proto(), nil
}

// UpdateSession lets change set the fields of a session that callers may set; the others stay as they are. If change
// fails, nothing happens. It must not call the store.
func (s *Store) UpdateSession(ctx context.Context, id string, change func(*apiv1.Session) error) (*apiv1.Session, error) {
	var row sessionRow
	err := s.write(ctx, true, func(t *tx) (err error) {
		if row, err = t.session(id); err != nil {
			return err
		}
		before, p := row.proto(), row.proto()
		if err := change(p); err != nil {
			return err
		}
		row.take(p)
		if proto.Equal(before, row.proto()) {
			return nil
		}
		return t.saveSession(&row)
	})
	if err != nil {
		return nil, err
	}
	return row.proto(), nil
}

// Referred tells whether there is a session with this id, or one that branched from it.
func (s *Store) Referred(ctx context.Context, id string) (bool, error) {
	found := false
	err := s.read(ctx, func(v view) error {
		return v.one("SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?) OR EXISTS (SELECT 1 FROM sessions WHERE parent_id = ?)", []any{id, id}, &found)
	})
	if err != nil {
		return false, fmt.Errorf("look for session %s: %w", id, err)
	}
	return found, nil
}

// Root is the id of the session that a session and all others of its branches come from, be it deleted or gone by now; a
// session without one is its own. ErrNotFound for an unknown id.
func (s *Store) Root(ctx context.Context, id string) (string, error) {
	root := ""
	err := s.read(ctx, func(v view) error {
		return v.one(`WITH RECURSIVE up (id, parent, steps) AS (
			SELECT id, parent_id, 0 FROM sessions WHERE id = ?
			UNION ALL SELECT s.id, s.parent_id, steps + 1 FROM sessions s JOIN up ON s.id = up.parent)
			SELECT CASE parent WHEN '' THEN id ELSE parent END FROM up ORDER BY steps DESC LIMIT 1`, []any{id}, &root)
	})
	if err != nil {
		return "", fmt.Errorf("find where session %s comes from: %w", id, err)
	}
	return root, nil
}
