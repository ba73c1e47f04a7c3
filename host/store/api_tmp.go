package store

import (
	"context"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// ChangesQuery says which changes are wanted.
type ChangesQuery struct {
	// After is the revision up to which the caller knows everything.
	After int64
	// Topics wanted; empty: all.
	Topics []apiv1.Topic
	// SessionID whose entries are wanted; empty: none.
	SessionID string
	// Limit on the number of changes; 0: 1000.
	Limit int
}

func (s *Store) Changes(ctx context.Context, q ChangesQuery) (changes []*apiv1.Change, rev int64, err error) {
	return nil, 0, errUnbuilt
}

func (s *Store) ListSessions(ctx context.Context, req *apiv1.ListSessionsRequest) (*apiv1.ListSessionsResponse, error) {
	return nil, errUnbuilt
}
func (s *Store) Session(ctx context.Context, idOrPrefix string) (*apiv1.Session, error) {
	return nil, errUnbuilt
}
func (s *Store) CreateSession(ctx context.Context, session *apiv1.Session) (*apiv1.Session, error) {
	return nil, errUnbuilt
}
func (s *Store) UpdateSession(ctx context.Context, id string, change func(*apiv1.Session) error) (*apiv1.Session, error) {
	return nil, errUnbuilt
}
func (s *Store) DeleteSession(ctx context.Context, id string) error { return errUnbuilt }

func (s *Store) ListEntries(ctx context.Context, req *apiv1.ListEntriesRequest) (*apiv1.ListEntriesResponse, error) {
	return nil, errUnbuilt
}
func (s *Store) History(ctx context.Context, sessionID, uptoRunID string) ([]*apiv1.Entry, error) {
	return nil, errUnbuilt
}

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
	SystemPrompt  string
	ReplacesRunID string
}

func (s *Store) Send(ctx context.Context, m Send) (session *apiv1.Session, run *apiv1.Run, created bool, err error) {
	return nil, nil, false, errUnbuilt
}

// Sent finds the run of a message that was accepted before: ErrNotFound if it was not, ErrConflict if another message
// has its client request id. ProviderID and Model need not be known yet.
func (s *Store) Sent(ctx context.Context, m Send) (*apiv1.Session, *apiv1.Run, error) {
	return nil, nil, errUnbuilt
}
func (s *Store) Run(ctx context.Context, idOrPrefix string) (*apiv1.Run, error) {
	return nil, errUnbuilt
}
func (s *Store) OpenRuns(ctx context.Context) ([]*apiv1.Run, error) { return nil, errUnbuilt }
func (s *Store) SessionRuns(ctx context.Context, sessionID string) ([]*apiv1.Run, error) {
	return nil, errUnbuilt
}

// NextQueued gives the run that is next in the session's queue; nil if none waits. It says nothing about whether
// another one is under way.
func (s *Store) NextQueued(ctx context.Context, sessionID string) (*apiv1.Run, error) {
	return nil, errUnbuilt
}
func (s *Store) StartRun(ctx context.Context, runID string) (*apiv1.Run, error) {
	return nil, errUnbuilt
}
func (s *Store) SetStatus(ctx context.Context, runID, text string) error { return errUnbuilt }
func (s *Store) SetReference(ctx context.Context, runID, requestID, responseID string) error {
	return errUnbuilt
}
func (s *Store) AppendChunk(ctx context.Context, runID string, kind apiv1.Chunk_Kind, text string) error {
	return errUnbuilt
}
func (s *Store) Append(ctx context.Context, runID string, durable bool, entries ...*apiv1.Entry) ([]*apiv1.Entry, error) {
	return nil, errUnbuilt
}
func (s *Store) Ask(ctx context.Context, runID string, a *apiv1.Approval) (*apiv1.Approval, error) {
	return nil, errUnbuilt
}
func (s *Store) Approval(ctx context.Context, id string) (*apiv1.Approval, error) {
	return nil, errUnbuilt
}
func (s *Store) Decide(ctx context.Context, approvalID string, d *apiv1.Decision) (*apiv1.Approval, error) {
	return nil, errUnbuilt
}
func (s *Store) Wait(ctx context.Context, runID string, state apiv1.RunState, resume time.Time, why string) (*apiv1.Run, error) {
	return nil, errUnbuilt
}
func (s *Store) Resume(ctx context.Context, runID string) (*apiv1.Run, error) {
	return nil, errUnbuilt
}
func (s *Store) RequestCancel(ctx context.Context, runID string) (*apiv1.Run, error) {
	return nil, errUnbuilt
}

// End is how a run ends.
type End struct {
	State        apiv1.RunState
	Error        *providerv1.Error
	FinishReason providerv1.Done_Reason
	// Entries appended before the end: the turn, its usage, …
	Entries []*apiv1.Entry
}

func (s *Store) EndRun(ctx context.Context, runID string, end End) (*apiv1.Run, error) {
	return nil, errUnbuilt
}
func (s *Store) Recover(ctx context.Context) (n int, err error) { return 0, errUnbuilt }

func (s *Store) AddProvider(ctx context.Context, p *apiv1.Provider) (*apiv1.Provider, error) {
	return nil, errUnbuilt
}
func (s *Store) UpdateProvider(ctx context.Context, id string, change func(*apiv1.Provider) error) (*apiv1.Provider, error) {
	return nil, errUnbuilt
}
func (s *Store) RemoveProvider(ctx context.Context, id string) error { return errUnbuilt }
func (s *Store) Providers(ctx context.Context) ([]*apiv1.Provider, error) {
	return nil, errUnbuilt
}
func (s *Store) Provider(ctx context.Context, idOrName string) (*apiv1.Provider, error) {
	return nil, errUnbuilt
}
func (s *Store) DefaultProvider(ctx context.Context) (*apiv1.Provider, error) {
	return nil, errUnbuilt
}
func (s *Store) SyncModels(ctx context.Context, providerID string, models []*providerv1.Model) error {
	return errUnbuilt
}

// Models gives the models of one provider, in its order; of all providers if providerID is empty.
func (s *Store) Models(ctx context.Context, providerID string) ([]*apiv1.Model, error) {
	return nil, errUnbuilt
}
func (s *Store) Settings(ctx context.Context) ([]*apiv1.Setting, error) { return nil, errUnbuilt }
func (s *Store) Setting(ctx context.Context, key string) (valueJSON string, err error) {
	return "", errUnbuilt
}
func (s *Store) SetSetting(ctx context.Context, key, valueJSON string) (*apiv1.Setting, error) {
	return nil, errUnbuilt
}
