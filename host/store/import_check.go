package store

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// maxExportLine bounds one line: an entry with its attachments.
const maxExportLine = 256 << 20

// importReader reads an export and refuses, with the number of the line, what no session can be made of. What it gives
// back fits together: the rows that are made of it keep all promises.
type importReader struct {
	in      *bufio.Reader
	n       int
	session *apiv1.Session
	// What the session is called here; "": as in the file.
	id   string
	runs map[string]*apiv1.Run
	// The stage a line belongs to, the next sequence number, and what is known of runs so far.
	stage     int
	next      int64
	queue     int64
	last      map[string]int64
	begun     map[string]bool
	requests  map[string]bool
	approvals map[string]bool
	calls     map[string]int64
	ended     bool
}

// Stages of an export, in their order.
const (
	stageHead = iota
	stageSession
	stageRuns
	stageEntries
	stageApprovals
	stageUsage
)

func newImportReader(r io.Reader) *importReader {
	return &importReader{
		in: bufio.NewReaderSize(r, 1<<16), next: 1, runs: map[string]*apiv1.Run{}, last: map[string]int64{}, begun: map[string]bool{},
		requests: map[string]bool{}, approvals: map[string]bool{}, calls: map[string]int64{},
	}
}

// imported is what one line brings; one of the first four, or usage, is set.
type imported struct {
	session  *apiv1.Session
	run      *apiv1.Run
	entry    *apiv1.Entry
	approval *apiv1.Approval
	usage    *exportedUsage
	// Of the session, with usage.
	sessionID string
	hash      []byte
	attempts  int64
}

// read gives each line after the first to take, to the last one.
func (r *importReader) read(take func(*imported) error) error {
	for !r.ended {
		line, err := r.line()
		if errors.Is(err, io.EOF) {
			return r.wrong("the file ends here, but a whole export ends with the number of its lines: it was cut off")
		}
		if err != nil {
			return err
		}
		var l exportLine
		if err := json.Unmarshal(line, &l); err != nil {
			return r.wrong("this is no JSON object: %v", err)
		}
		item, err := r.understand(&l)
		if err != nil {
			return err
		}
		if item == nil {
			continue
		}
		if err := take(item); err != nil {
			return err
		}
	}
	for {
		line, err := r.line()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(line) > 0 {
			return r.wrong("there is more after the end of the session; a file holds one")
		}
	}
}

// line reads the next line; io.EOF after the last one.
func (r *importReader) line() ([]byte, error) {
	var line []byte
	r.n++
	for {
		piece, err := r.in.ReadSlice('\n')
		line = append(line, piece...)
		switch {
		case len(line) > maxExportLine:
			return nil, r.wrong("the line is longer than %d MB", maxExportLine>>20)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0, err == nil:
			return bytes.TrimSpace(line), nil
		}
		if errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, fmt.Errorf("read line %d: %w", r.n, err)
	}
}

func (r *importReader) wrong(format string, args ...any) error {
	return fmt.Errorf("%w: line %d: %s; nothing was imported", ErrInvalid, r.n, fmt.Sprintf(format, args...))
}

// at moves on to a stage; there is no way back to an earlier one.
func (r *importReader) at(stage int, what string) error {
	if r.stage == stageHead && stage != stageHead {
		return r.wrong(`an export begins with {"format":"%s","version":%d}; this is something else`, exportFormat, exportVersion)
	}
	if stage < r.stage || stage > stageSession && r.session == nil {
		return r.wrong("%s does not belong here: first comes the session, then its runs, entries, approvals and usage", what)
	}
	r.stage = stage
	return nil
}

func (r *importReader) understand(l *exportLine) (*imported, error) {
	switch {
	case l.Format != "":
		if r.n != 1 || l.Format != exportFormat {
			return nil, r.wrong("%.40q is not the format of an exported session", l.Format)
		}
		if l.Version != exportVersion {
			return nil, r.wrong("the export has version %d, and this program knows %d: it was written by another OpenVibez; use a newer one", l.Version, exportVersion)
		}
		r.stage = stageSession
		return nil, nil
	case l.Session != nil:
		return r.takeSession(l)
	case l.Run != nil:
		return r.takeRun(l)
	case l.Entry != nil:
		return r.takeEntry(l)
	case l.Approval != nil:
		return r.takeApproval(l)
	case l.Usage != nil:
		return r.takeUsage(l)
	case l.Lines != 0:
		return nil, r.finish(l)
	}
	if err := r.at(r.stage, ""); err != nil || r.stage == stageHead {
		return nil, r.wrong(`an export begins with {"format":"%s","version":%d}; this is something else`, exportFormat, exportVersion)
	}
	return nil, r.wrong("this is nothing that an export holds")
}

// parseInto reads a body; what a later version added is skipped.
func (r *importReader) parseInto(text json.RawMessage, m proto.Message) error {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, m); err != nil {
		return r.wrong("%v", err)
	}
	cleanMessage(m.ProtoReflect())
	return nil
}

// idOK says whether an id is like those we make; others could not be typed.
func idOK(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func (r *importReader) takeSession(l *exportLine) (*imported, error) {
	if r.stage == stageSession && r.session != nil {
		return nil, r.wrong("a second session; a file holds one")
	}
	if err := r.at(stageSession, "a session"); err != nil {
		return nil, err
	}
	p := &apiv1.Session{}
	if err := r.parseInto(l.Session, p); err != nil {
		return nil, err
	}
	if !idOK(p.Id) || p.ParentId != "" && !idOK(p.ParentId) {
		return nil, r.wrong("%.40q can't be the id of a session", p.Id)
	}
	p.Id = cmp.Or(r.id, p.Id)
	r.session = p
	return &imported{session: p}, nil
}

func (r *importReader) takeRun(l *exportLine) (*imported, error) {
	if err := r.at(stageRuns, "a run"); err != nil {
		return nil, err
	}
	p := &apiv1.Run{}
	if err := r.parseInto(l.Run, p); err != nil {
		return nil, err
	}
	final := Final(p.State)
	switch {
	case !idOK(p.Id):
		return nil, r.wrong("%.40q can't be the id of a run", p.Id)
	case r.runs[p.Id] != nil:
		return nil, r.wrong("run %s is there twice", p.Id)
	case p.ClientRequestId == "" || r.requests[p.ClientRequestId]:
		return nil, r.wrong("run %s needs a client request id of its own", p.Id)
	case p.QueueOrder <= r.queue:
		return nil, r.wrong("run %s is out of order", p.Id)
	case p.State < queued || p.State > interrupted || final != (p.EndedMs > 0):
		return nil, r.wrong("run %s is in state %v and ended at %d, which does not fit together", p.Id, p.State, p.EndedMs)
	}
	for _, earlier := range []string{p.ReplacesRunId, p.ContinuesRunId} {
		if earlier != "" && r.runs[earlier] == nil {
			return nil, r.wrong("run %s belongs to run %s, which does not come before it", p.Id, earlier)
		}
	}
	p.SessionId = r.session.Id
	r.runs[p.Id], r.requests[p.ClientRequestId], r.queue = p, true, p.QueueOrder
	return &imported{run: p, hash: l.Hash, attempts: l.Attempts}, nil
}

func (r *importReader) takeEntry(l *exportLine) (*imported, error) {
	if err := r.at(stageEntries, "an entry"); err != nil {
		return nil, err
	}
	e := &apiv1.Entry{}
	if err := r.parseInto(l.Entry, e); err != nil {
		return nil, err
	}
	earlierEntry(e, string(l.Entry))
	run := r.runs[e.RunId]
	switch {
	case e.Seq != r.next || e.LastSeq < e.Seq || e.LastSeq > 1<<53:
		return nil, r.wrong("the entry has the numbers %d to %d where %d comes next", e.Seq, e.LastSeq, r.next)
	case run == nil:
		return nil, r.wrong("the entry belongs to run %.40q, which is not in the file", e.RunId)
	case bodyKind(e) == 0 || bodyKind(e) == kindChunk:
		return nil, r.wrong("the entry says nothing that this program knows")
	case e.Seq == run.UserSeq:
		if e.GetUser() == nil {
			return nil, r.wrong("the message of run %s should be here", run.Id)
		}
		r.begun[run.Id] = true
	}
	e.SessionId = r.session.Id
	r.next, r.last[run.Id] = e.LastSeq+1, e.LastSeq
	return &imported{entry: e}, nil
}

func (r *importReader) takeApproval(l *exportLine) (*imported, error) {
	if err := r.at(stageApprovals, "an approval"); err != nil {
		return nil, err
	}
	p := &apiv1.Approval{}
	if err := r.parseInto(l.Approval, p); err != nil {
		return nil, err
	}
	earlierApproval(p, string(l.Approval))
	if !idOK(p.Id) || r.approvals[p.Id] || r.runs[p.RunId] == nil || p.State <= 0 || p.State > apiv1.ApprovalState_APPROVAL_STATE_VOID {
		return nil, r.wrong("approval %.40q does not belong to the session", p.Id)
	}
	r.approvals[p.Id] = true
	p.SessionId = r.session.Id
	return &imported{approval: p}, nil
}

func (r *importReader) takeUsage(l *exportLine) (*imported, error) {
	if err := r.at(stageUsage, "usage"); err != nil {
		return nil, err
	}
	u := l.Usage
	if r.runs[u.RunID] == nil || u.Call <= r.calls[u.RunID] {
		return nil, r.wrong("the usage does not belong to a run of the session")
	}
	r.calls[u.RunID] = u.Call
	u.ProviderID, u.Model = clean(u.ProviderID), clean(u.Model)
	return &imported{usage: u, sessionID: r.session.Id}, nil
}

// finish looks whether all that was announced has come.
func (r *importReader) finish(l *exportLine) error {
	if r.session == nil {
		return r.wrong("there is no session before the end")
	}
	if l.Lines != r.n-1 {
		return r.wrong("the export had %d lines and this is line %d: something is missing", l.Lines, r.n)
	}
	if r.session.LastSeq != r.next-1 {
		return r.wrong("the session has entries up to %d, and they come up to %d", r.session.LastSeq, r.next-1)
	}
	for id, run := range r.runs {
		if !r.begun[id] {
			return r.wrong("the message of run %s is missing", id)
		}
		if r.last[id] != run.LastSeq {
			return r.wrong("run %s has entries up to %d, and they come up to %d", id, run.LastSeq, r.last[id])
		}
	}
	r.ended = true
	return nil
}
