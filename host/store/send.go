package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Send is a message to accept.
type Send struct {
	// SessionID is empty for a new session.
	SessionID       string
	ClientRequestID string
	Text            string
	Attachments     []*providerv1.Blob
	// ProviderID and Model the message goes to, defaults filled in.
	ProviderID, Model string
	// AskedProvider and AskedModel are what the client named, before defaults were filled in: they, and not
	// ProviderID and Model, must be the same when the message is sent again.
	AskedProvider, AskedModel string
	Options                   *providerv1.Options
	// SystemPrompt of a new session.
	SystemPrompt string
	// AskedWorkspace is what the client named, WorkspaceID what that is; both empty: the session stays where it is.
	AskedWorkspace, WorkspaceID string
	// AccessMode that the session has from now on; unspecified: it keeps its own.
	AccessMode apiv1.AccessMode
	// Start begins the run at once, unless another one of its session has not ended.
	Start bool
	// ReplacesRunID is the run of the same session that this one stands in for. Of an answer that was continued, all is
	// replaced.
	ReplacesRunID string
	// ContinuesRunID is the ended run of the same session that this one goes on from; the text may then be empty. Only one
	// may go on from each.
	ContinuesRunID string
}

// check says in words why a message can't be accepted.
func (m *Send) check() error {
	for _, given := range []struct{ name, text string }{
		{"message", m.Text}, {"client request id", m.ClientRequestID}, {"system prompt", m.SystemPrompt}, {"model", m.Model},
	} {
		if at := invalidUTF8(given.text); at >= 0 {
			return fmt.Errorf("%w: the %s is not valid UTF-8 (first at byte %d); convert it, for example with iconv", ErrInvalid, given.name, at)
		}
	}
	if m.ClientRequestID == "" {
		return fmt.Errorf("%w: a message needs a client request id, made by the client, so that sending it twice is harmless", ErrInvalid)
	}
	if strings.TrimSpace(m.Text) == "" && len(m.Attachments) == 0 && m.ContinuesRunID == "" {
		return fmt.Errorf("%w: the message is empty; write something, or attach a file", ErrInvalid)
	}
	return nil
}

// invalidUTF8 finds the first byte that is not UTF-8; -1 if there is none.
func invalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			return i
		}
	}
	return -1
}

// hash stands for all that must be the same when a message is sent again.
func (m *Send) hash() ([]byte, error) {
	h := sha256.New()
	add := func(b []byte) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(b)))
		h.Write(length[:])
		h.Write(b)
	}
	for _, text := range []string{m.Text, m.AskedProvider, m.AskedModel, m.SystemPrompt, m.ReplacesRunID} {
		add([]byte(text))
	}
	if m.ContinuesRunID != "" {
		add([]byte("continues " + m.ContinuesRunID))
	}
	if m.AskedWorkspace != "" || m.AccessMode != apiv1.AccessMode_ACCESS_MODE_UNSPECIFIED {
		add([]byte("in " + m.AskedWorkspace))
		add([]byte(m.AccessMode.String()))
	}
	var parts []proto.Message
	if m.Options != nil {
		parts = append(parts, m.Options)
	}
	for _, a := range m.Attachments {
		parts = append(parts, a)
	}
	for _, p := range parts {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		add(b)
	}
	return h.Sum(nil), nil
}

// Send accepts a message: one durable change makes the session if it is new, its user entry and its run. The same client
// request id again gives the same run, in whatever state, and created is false; with other content it is ErrConflict.
func (s *Store) Send(ctx context.Context, m Send) (session *apiv1.Session, run *apiv1.Run, created bool, err error) {
	if err := m.check(); err != nil {
		return nil, nil, false, err
	}
	hash, err := m.hash()
	if err != nil {
		return nil, nil, false, err
	}
	err = s.write(ctx, true, func(t *tx) error {
		sessionRow, runRow, err := t.sent(&m, hash)
		created = errors.Is(err, ErrNotFound)
		if created {
			sessionRow, runRow, err = t.accept(&m, hash)
		}
		if err != nil {
			return err
		}
		session = sessionRow.proto()
		run, err = runRow.proto()
		return err
	})
	if err != nil {
		return nil, nil, false, err
	}
	return session, run, created, nil
}

// Sent finds the run of a message that was accepted before: ErrNotFound if it was not, ErrConflict if another message
// has its client request id. ProviderID and Model need not be known yet.
func (s *Store) Sent(ctx context.Context, m Send) (session *apiv1.Session, run *apiv1.Run, err error) {
	if err := m.check(); err != nil {
		return nil, nil, err
	}
	hash, err := m.hash()
	if err != nil {
		return nil, nil, err
	}
	err = s.read(ctx, func(v view) error {
		sessionRow, runRow, err := v.sent(&m, hash)
		if err != nil {
			return err
		}
		session = sessionRow.proto()
		run, err = runRow.proto()
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return session, run, nil
}

// RevBefore is a revision after which all of a run comes: watching from there misses nothing of it.
func (s *Store) RevBefore(ctx context.Context, run *apiv1.Run) (rev int64, err error) {
	err = s.read(ctx, func(v view) error {
		return v.one("SELECT rev - 1 FROM entries WHERE session_id = ? AND seq = ?", []any{run.SessionId, run.UserSeq}, &rev)
	})
	if err != nil {
		return 0, fmt.Errorf("find the message of run %s: %w", run.Id, err)
	}
	return rev, nil
}

func (v view) sent(m *Send, hash []byte) (sessionRow, runRow, error) {
	query, args := "SELECT id FROM runs WHERE client_request_id = ? AND session_id = ?", []any{m.ClientRequestID, m.SessionID}
	if m.SessionID == "" {
		query, args = "SELECT id FROM runs WHERE client_request_id = ? ORDER BY created_ms, id LIMIT 1", args[:1]
	}
	var id string
	err := v.one(query, args, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return sessionRow{}, runRow{}, fmt.Errorf("%w: no message was sent as %q", ErrNotFound, m.ClientRequestID)
	}
	if err != nil {
		return sessionRow{}, runRow{}, fmt.Errorf("find message %q: %w", m.ClientRequestID, err)
	}
	run, err := v.run(id)
	if err != nil {
		return sessionRow{}, runRow{}, err
	}
	if !slices.Equal(run.RequestHash, hash) {
		return sessionRow{}, runRow{}, fmt.Errorf("%w: another message was already sent as %q (run %s); give this one an id of its own", ErrConflict, m.ClientRequestID, run.ID)
	}
	// One that was deleted since is no reason to take the message for a new one.
	session, err := v.anySession(run.SessionID)
	return session, run, err
}

// accept writes a new message.
func (t *tx) accept(m *Send, hash []byte) (session sessionRow, run runRow, err error) {
	if m.SessionID == "" {
		session, err = t.newSession(&apiv1.Session{SystemPrompt: m.SystemPrompt})
	} else if err = t.seal(m.SessionID); err == nil {
		// A text that was being written ends before the message, and goes on after it.
		session, err = t.session(m.SessionID)
	}
	if err != nil {
		return session, run, err
	}
	replaces, err := t.replaced(m.ReplacesRunID, session.ID)
	if err != nil {
		return session, run, err
	}
	if err := t.continuable(m.ContinuesRunID, session.ID); err != nil {
		return session, run, err
	}
	options, err := format(m.Options)
	if err != nil {
		return session, run, err
	}
	session.LastSeq++
	run = runRow{
		ID: newID(), SessionID: session.ID, ClientRequestID: m.ClientRequestID, RequestHash: hash, State: int32(queued),
		ProviderID: m.ProviderID, Model: m.Model, OptionsJSON: options, ReplacesRunID: replaces, ContinuesRunID: m.ContinuesRunID,
		UserSeq: session.LastSeq, LastSeq: session.LastSeq, CreatedMS: t.now, UpdatedMS: t.now, Rev: t.next(apiv1.Topic_TOPIC_RUNS),
	}
	var others bool
	err = t.one(`SELECT 1 + coalesce(max(queue_order), 0), EXISTS (SELECT 1 FROM runs WHERE session_id = ?1 AND ended_ms = 0)
		FROM runs WHERE session_id = ?1`, []any{session.ID}, &run.QueueOrder, &others)
	if err != nil {
		return session, run, fmt.Errorf("queue the message: %w", err)
	}
	if m.Start && !others {
		run.State, run.StartedMS = int32(running), t.now
	}
	_, err = t.exec(`INSERT INTO runs (id, session_id, client_request_id, request_hash, state, provider_id, model, options_json, replaces_run_id,
		continues_run_id, queue_order, user_seq, last_seq, created_ms, started_ms, updated_ms, rev)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		run.ID, run.SessionID, run.ClientRequestID, run.RequestHash, int64(run.State), run.ProviderID, run.Model, run.OptionsJSON, run.ReplacesRunID,
		run.ContinuesRunID, run.QueueOrder, run.UserSeq, run.LastSeq, run.CreatedMS, run.StartedMS, run.UpdatedMS, run.Rev)
	if err != nil {
		return session, run, fmt.Errorf("queue the message: %w", err)
	}
	e := &apiv1.Entry{
		SessionId: session.ID, Seq: session.LastSeq, LastSeq: session.LastSeq, RunId: run.ID, CreatedMs: t.now,
		Body: &apiv1.Entry_User{User: &apiv1.UserMessage{Text: m.Text, Attachments: m.Attachments}},
	}
	if err := t.insertEntry(e); err != nil {
		return session, run, err
	}
	if session.Title == "" {
		session.Title = titleOf(clean(m.Text))
		if session.Title == "" && len(m.Attachments) > 0 {
			session.Title = titleOf(clean(m.Attachments[0].Name))
		}
	}
	if m.ContinuesRunID == "" {
		session.Draft = ""
	}
	if m.WorkspaceID != "" {
		session.WorkspaceID = &m.WorkspaceID
	}
	if m.AccessMode != apiv1.AccessMode_ACCESS_MODE_UNSPECIFIED {
		session.AccessMode = int32(m.AccessMode)
	}
	session.ArchivedMS, session.ActiveMS = 0, t.now
	// What is asked again of another model does not change which one the session goes on with.
	if m.ProviderID != "" && (m.ReplacesRunID == "" || session.ProviderID == "") {
		session.ProviderID, session.Model = m.ProviderID, m.Model
	}
	session.Rev = t.next(apiv1.Topic_TOPIC_SESSIONS)
	_, err = t.exec(`UPDATE sessions SET title = ?, draft = ?, archived_ms = ?, active_ms = ?, provider_id = ?, model = ?, workspace_id = ?,
		access_mode = ?, last_seq = ?, rev = ? WHERE id = ?`,
		session.Title, session.Draft, session.ArchivedMS, session.ActiveMS, session.ProviderID, session.Model, session.WorkspaceID,
		int64(session.AccessMode), session.LastSeq, session.Rev, session.ID)
	if err != nil {
		return session, run, fmt.Errorf("write session %s: %w", session.ID, err)
	}
	return session, run, nil
}
