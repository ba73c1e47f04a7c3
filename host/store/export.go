package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const (
	exportFormat  = "openvibez-session"
	exportVersion = 1
	// exportPage is how many entries are read at once; in between, the database is not held.
	exportPage = 200
)

// exportLine is one line of an exported session. The first has the format, then come the session, its runs, its entries,
// its approvals and what its runs consumed, one a line, and last the number of the lines before.
type exportLine struct {
	Format   string          `json:"format,omitempty"`
	Version  int             `json:"version,omitempty"`
	Session  json.RawMessage `json:"session,omitempty"`
	Run      json.RawMessage `json:"run,omitempty"`
	Entry    json.RawMessage `json:"entry,omitempty"`
	Approval json.RawMessage `json:"approval,omitempty"`
	Usage    *exportedUsage  `json:"usage,omitempty"`
	// Of a run: what its message is recognized by when it is sent again, and how often it was tried.
	Hash     []byte `json:"hash,omitempty"`
	Attempts int64  `json:"attempts,omitempty"`
	Lines    int    `json:"lines,omitempty"`
}

// exportedUsage is what one call of a model consumed.
type exportedUsage struct {
	RunID             string `json:"runId"`
	Call              int64  `json:"call"`
	ProviderID        string `json:"providerId"`
	Model             string `json:"model"`
	InputTokens       int64  `json:"inputTokens"`
	OutputTokens      int64  `json:"outputTokens"`
	CachedInputTokens int64  `json:"cachedInputTokens"`
	ReasoningTokens   int64  `json:"reasoningTokens"`
	Estimated         bool   `json:"estimated"`
	CreatedMS         int64  `json:"createdMs"`
}

// exported is all of a session but its entries.
type exported struct {
	session   sessionRow
	runs      []runRow
	approvals []approvalRow
	usage     []usageRow
	open      *apiv1.Entry
	last      int64
}

// Export writes a session as JSON Lines, from which Import makes it again exactly. What is still being written is in it as
// far as it has come. What tools changed can't be undone from a copy; it says so.
func (s *Store) Export(ctx context.Context, sessionID string, w io.Writer) error {
	x, err := s.exported(ctx, sessionID)
	if err != nil {
		return err
	}
	out := &exporter{w: w}
	out.line(exportLine{Format: exportFormat, Version: exportVersion})
	p := x.session.proto()
	p.Rev, p.LastSeq = 0, x.last
	out.line(exportLine{Session: out.body(p)})
	for i := range x.runs {
		r := &x.runs[i]
		p, err := r.proto()
		if err != nil {
			return err
		}
		p.Rev = 0
		if x.open != nil && x.open.RunId == r.ID {
			p.LastSeq = x.last
		}
		out.line(exportLine{Run: out.body(p), Hash: r.RequestHash, Attempts: r.Attempts})
	}
	err = s.eachEntry(ctx, x, "", func(e *apiv1.Entry) error {
		e.SessionId, e.Rev = "", 0
		if change := e.GetFileChange(); change != nil {
			change.Undoable = false
		}
		out.line(exportLine{Entry: out.body(e)})
		return out.err
	})
	if err != nil {
		return err
	}
	for i := range x.approvals {
		p, err := x.approvals[i].proto()
		if err != nil {
			return err
		}
		p.SessionId, p.Rev = "", 0
		out.line(exportLine{Approval: out.body(p)})
	}
	for _, u := range x.usage {
		out.line(exportLine{Usage: &exportedUsage{
			u.RunID, u.Call, u.ProviderID, u.Model, u.InputTokens, u.OutputTokens, u.CachedInputTokens, u.ReasoningTokens, u.Estimated, u.CreatedMS,
		}})
	}
	out.line(exportLine{Lines: out.lines})
	return out.err
}

// exported reads a session without its entries.
func (s *Store) exported(ctx context.Context, sessionID string) (*exported, error) {
	x := &exported{}
	err := s.read(ctx, func(v view) (err error) {
		if x.session, err = v.session(sessionID); err != nil {
			return err
		}
		if x.open, err = v.openText(sessionID, 1<<62); err != nil {
			return err
		}
		x.last = x.session.LastSeq
		if x.open != nil {
			x.last = x.open.LastSeq
			c := x.open.GetChunk()
			setText(x.open, c.Kind, c.Text)
		}
		for _, find := range []struct {
			order string
			into  any
		}{{"queue_order", &x.runs}, {"created_ms, rev", &x.approvals}, {"run_id, call", &x.usage}} {
			if err := v.orm.Where("session_id = ?", sessionID).Order(find.order).Find(find.into).Error; err != nil {
				return fmt.Errorf("read session %s: %w", sessionID, err)
			}
		}
		return nil
	})
	return x, err
}

// eachEntry gives the entries that there were when x was read, oldest first, a page at a time; those of one run, or of all
// if runID is empty.
func (s *Store) eachEntry(ctx context.Context, x *exported, runID string, each func(*apiv1.Entry) error) error {
	where, of := "session_id", x.session.ID
	if runID != "" {
		where, of = "run_id", runID
	}
	for after := int64(0); ; {
		var page []*apiv1.Entry
		err := s.read(ctx, func(v view) error {
			return v.each(func(scan func(...any) error) error {
				e, err := entry(scan)
				page = append(page, e)
				return err
			}, "SELECT "+entryColumns+" FROM entries WHERE "+where+" = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
				of, after, x.session.LastSeq, exportPage)
		})
		if err != nil {
			return fmt.Errorf("read session %s: %w", x.session.ID, err)
		}
		for _, e := range page {
			if err := each(e); err != nil {
				return err
			}
			after = e.LastSeq
		}
		if len(page) < exportPage {
			break
		}
	}
	if x.open == nil || runID != "" && x.open.RunId != runID {
		return nil
	}
	return each(x.open)
}

// exporter writes lines until one can't be written.
type exporter struct {
	w     io.Writer
	lines int
	err   error
}

func (x *exporter) line(l exportLine) {
	if x.err != nil {
		return
	}
	text, err := json.Marshal(l)
	if err == nil {
		_, err = x.w.Write(append(text, '\n'))
	}
	if x.err = err; err != nil {
		x.err = fmt.Errorf("write the export: %w", err)
	}
	x.lines++
}

// body writes a message the same way each time, which protojson itself does not promise.
func (x *exporter) body(m proto.Message) json.RawMessage {
	var out bytes.Buffer
	text, err := protojson.Marshal(m)
	if err == nil {
		err = json.Compact(&out, text)
	}
	if err != nil && x.err == nil {
		x.err = fmt.Errorf("write %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return out.Bytes()
}
