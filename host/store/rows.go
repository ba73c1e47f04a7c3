package store

import (
	"encoding/json"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

type sessionRow struct {
	ID           string  `gorm:"column:id;primaryKey"`
	Title        string  `gorm:"column:title"`
	Titled       bool    `gorm:"column:titled"`
	WorkspaceID  *string `gorm:"column:workspace_id"`
	ProviderID   string  `gorm:"column:provider_id"`
	Model        string  `gorm:"column:model"`
	SystemPrompt string  `gorm:"column:system_prompt"`
	AccessMode   int32   `gorm:"column:access_mode"`
	Pinned       bool    `gorm:"column:pinned"`
	ArchivedMS   int64   `gorm:"column:archived_ms"`
	ParentID     string  `gorm:"column:parent_id"`
	ParentSeq    int64   `gorm:"column:parent_seq"`
	Draft        string  `gorm:"column:draft"`
	LastSeq      int64   `gorm:"column:last_seq"`
	DeletedMS    int64   `gorm:"column:deleted_ms"`
	CreatedMS    int64   `gorm:"column:created_ms"`
	ActiveMS     int64   `gorm:"column:active_ms"`
	Rev          int64   `gorm:"column:rev"`
}

func (sessionRow) TableName() string { return "sessions" }

func (r *sessionRow) proto() *apiv1.Session {
	p := &apiv1.Session{
		Id: r.ID, Title: r.Title, Titled: r.Titled, ProviderId: r.ProviderID, Model: r.Model, SystemPrompt: r.SystemPrompt,
		AccessMode: apiv1.AccessMode(r.AccessMode), Pinned: r.Pinned, ArchivedMs: r.ArchivedMS, ParentId: r.ParentID,
		ParentSeq: r.ParentSeq, Draft: r.Draft, LastSeq: r.LastSeq, CreatedMs: r.CreatedMS, ActiveMs: r.ActiveMS, DeletedMs: r.DeletedMS, Rev: r.Rev,
	}
	if r.WorkspaceID != nil {
		p.WorkspaceId = *r.WorkspaceID
	}
	return p
}

const sessionColumns = `id, title, titled, workspace_id, provider_id, model, system_prompt, access_mode, pinned, archived_ms, parent_id,
	parent_seq, draft, last_seq, deleted_ms, created_ms, active_ms, rev`

// scan reads a row of sessionColumns.
func (r *sessionRow) scan(scan func(...any) error) error {
	return scan(&r.ID, &r.Title, &r.Titled, &r.WorkspaceID, &r.ProviderID, &r.Model, &r.SystemPrompt, &r.AccessMode, &r.Pinned, &r.ArchivedMS,
		&r.ParentID, &r.ParentSeq, &r.Draft, &r.LastSeq, &r.DeletedMS, &r.CreatedMS, &r.ActiveMS, &r.Rev)
}

// listedColumns are for long lists of what was not deleted: each value costs time, so small numbers share one, and what
// few sessions have is there only if they have it.
const listedColumns = `id, title, workspace_id, provider_id, model, titled + 2 * pinned + 4 * access_mode, archived_ms, last_seq, created_ms,
	active_ms, rev, CASE WHEN system_prompt <> '' OR draft <> '' OR parent_id <> '' OR parent_seq <> 0
		THEN json_array(system_prompt, draft, parent_id, parent_seq) END`

// scanListed reads a row of listedColumns.
func (r *sessionRow) scanListed(scan func(...any) error) error {
	var flags int32
	var rest []byte
	if err := scan(&r.ID, &r.Title, &r.WorkspaceID, &r.ProviderID, &r.Model, &flags, &r.ArchivedMS, &r.LastSeq, &r.CreatedMS,
		&r.ActiveMS, &r.Rev, &rest); err != nil {
		return err
	}
	r.Titled, r.Pinned, r.AccessMode = flags&1 != 0, flags&2 != 0, flags/4
	if rest == nil {
		return nil
	}
	return json.Unmarshal(rest, &[]any{&r.SystemPrompt, &r.Draft, &r.ParentID, &r.ParentSeq})
}

// take copies what callers may change.
func (r *sessionRow) take(p *apiv1.Session) {
	r.Title, r.Titled, r.Draft = clean(p.Title), p.Titled, clean(p.Draft)
	r.ProviderID, r.Model, r.SystemPrompt = clean(p.ProviderId), clean(p.Model), clean(p.SystemPrompt)
	r.AccessMode, r.Pinned, r.ArchivedMS = int32(p.AccessMode), p.Pinned, p.ArchivedMs
	if r.AccessMode == 0 {
		r.AccessMode = int32(apiv1.AccessMode_ACCESS_MODE_SCOPED)
	}
	r.ParentID, r.ParentSeq = p.ParentId, p.ParentSeq
	r.WorkspaceID = nil
	if p.WorkspaceId != "" {
		r.WorkspaceID = &p.WorkspaceId
	}
}

type runRow struct {
	ID              string `gorm:"column:id;primaryKey"`
	SessionID       string `gorm:"column:session_id"`
	ClientRequestID string `gorm:"column:client_request_id"`
	RequestHash     []byte `gorm:"column:request_hash"`
	State           int32  `gorm:"column:state"`
	ProviderID      string `gorm:"column:provider_id"`
	Model           string `gorm:"column:model"`
	OptionsJSON     string `gorm:"column:options_json"`
	ReplacesRunID   string `gorm:"column:replaces_run_id"`
	QueueOrder      int64  `gorm:"column:queue_order"`
	UserSeq         int64  `gorm:"column:user_seq"`
	LastSeq         int64  `gorm:"column:last_seq"`
	Status          string `gorm:"column:status"`
	CancelRequested bool   `gorm:"column:cancel_requested"`
	ResumeMS        int64  `gorm:"column:resume_ms"`
	Attempts        int64  `gorm:"column:attempts"`
	ErrorJSON       string `gorm:"column:error_json"`
	RequestID       string `gorm:"column:request_id"`
	ResponseID      string `gorm:"column:response_id"`
	FinishReason    int32  `gorm:"column:finish_reason"`
	CreatedMS       int64  `gorm:"column:created_ms"`
	StartedMS       int64  `gorm:"column:started_ms"`
	UpdatedMS       int64  `gorm:"column:updated_ms"`
	EndedMS         int64  `gorm:"column:ended_ms"`
	ContinuesRunID  string `gorm:"column:continues_run_id"`
	PauseRequested  bool   `gorm:"column:pause_requested"`
	ContextUsed     int64  `gorm:"column:context_used"`
	ContextSize     int64  `gorm:"column:context_size"`
	Rev             int64  `gorm:"column:rev"`
}

func (runRow) TableName() string { return "runs" }

const runColumns = `id, session_id, client_request_id, request_hash, state, provider_id, model, options_json, replaces_run_id, queue_order,
	user_seq, last_seq, status, cancel_requested, resume_ms, attempts, error_json, request_id, response_id, finish_reason, created_ms,
	started_ms, updated_ms, ended_ms, continues_run_id, pause_requested, context_used, context_size, rev`

// scan reads a row of runColumns.
func (r *runRow) scan(scan func(...any) error) error {
	return scan(&r.ID, &r.SessionID, &r.ClientRequestID, &r.RequestHash, &r.State, &r.ProviderID, &r.Model, &r.OptionsJSON, &r.ReplacesRunID,
		&r.QueueOrder, &r.UserSeq, &r.LastSeq, &r.Status, &r.CancelRequested, &r.ResumeMS, &r.Attempts, &r.ErrorJSON, &r.RequestID,
		&r.ResponseID, &r.FinishReason, &r.CreatedMS, &r.StartedMS, &r.UpdatedMS, &r.EndedMS, &r.ContinuesRunID, &r.PauseRequested,
		&r.ContextUsed, &r.ContextSize, &r.Rev)
}

func (r *runRow) state() apiv1.RunState { return apiv1.RunState(r.State) }

func (r *runRow) proto() (*apiv1.Run, error) {
	p := &apiv1.Run{
		Id: r.ID, SessionId: r.SessionID, ClientRequestId: r.ClientRequestID, State: r.state(), ProviderId: r.ProviderID,
		Model: r.Model, ReplacesRunId: r.ReplacesRunID, QueueOrder: r.QueueOrder, UserSeq: r.UserSeq, LastSeq: r.LastSeq,
		Status: r.Status, CancelRequested: r.CancelRequested, ResumeMs: r.ResumeMS, RequestId: r.RequestID,
		ResponseId: r.ResponseID, FinishReason: providerv1.Done_Reason(r.FinishReason), CreatedMs: r.CreatedMS,
		StartedMs: r.StartedMS, UpdatedMs: r.UpdatedMS, EndedMs: r.EndedMS, Rev: r.Rev, ContinuesRunId: r.ContinuesRunID,
		PauseRequested: r.PauseRequested, ContextUsed: r.ContextUsed, ContextSize: r.ContextSize,
	}
	var err error
	if p.Options, err = parse[providerv1.Options](r.OptionsJSON); err != nil {
		return nil, err
	}
	p.Error, err = parse[providerv1.Error](r.ErrorJSON)
	return p, err
}

type approvalRow struct {
	ID           string `gorm:"column:id;primaryKey"`
	SessionID    string `gorm:"column:session_id"`
	RunID        string `gorm:"column:run_id"`
	State        int32  `gorm:"column:state"`
	QuestionJSON string `gorm:"column:question_json"`
	Reason       string `gorm:"column:reason"`
	Profile      string `gorm:"column:profile"`
	DecisionJSON string `gorm:"column:decision_json"`
	CreatedMS    int64  `gorm:"column:created_ms"`
	ExpiresMS    int64  `gorm:"column:expires_ms"`
	CallID       string `gorm:"column:call_id"`
	FactsJSON    string `gorm:"column:facts_json"`
	Rev          int64  `gorm:"column:rev"`
}

func (approvalRow) TableName() string { return "approvals" }

func (r *approvalRow) proto() (*apiv1.Approval, error) {
	// What facts hold is laid under the columns.
	p, err := parse[apiv1.Approval](r.FactsJSON)
	if err != nil {
		return nil, err
	}
	if p == nil {
		p = &apiv1.Approval{}
	}
	if p.Class == apiv1.Class_CLASS_UNSPECIFIED && r.FactsJSON != "" {
		earlierApproval(p, r.FactsJSON)
	}
	p.Id, p.SessionId, p.RunId, p.State, p.Why = r.ID, r.SessionID, r.RunID, apiv1.ApprovalState(r.State), r.Reason
	p.Profile, p.CreatedMs, p.ExpiresMs, p.CallId, p.Rev = earlierProfile(r.Profile), r.CreatedMS, r.ExpiresMS, r.CallID, r.Rev
	if p.Question, err = parse[providerv1.Question](r.QuestionJSON); err != nil {
		return nil, err
	}
	if p.Decision, err = parse[apiv1.Decision](r.DecisionJSON); err == nil && p.Decision != nil && p.Decision.By == apiv1.Author_AUTHOR_UNSPECIFIED {
		var was struct{ By string }
		if json.Unmarshal([]byte(r.DecisionJSON), &was) == nil {
			earlierDecision(p.Decision, was.By)
		}
	}
	return p, err
}

// profileName is how a profile is kept: "work"; empty for none.
func profileName(p apiv1.Profile) string {
	if p == apiv1.Profile_PROFILE_UNSPECIFIED {
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(p.String(), "PROFILE_"))
}

// take copies what is asked, and why.
func (r *approvalRow) take(p *apiv1.Approval) (err error) {
	r.Reason, r.Profile, r.CallID = clean(p.Why), profileName(p.Profile), clean(p.CallId)
	if r.QuestionJSON, err = format(p.Question); err != nil {
		return err
	}
	r.FactsJSON, err = format(&apiv1.Approval{Class: p.Class, Reason: p.Reason, Instead: p.Instead, Prefix: p.Prefix, Domains: p.Domains, Diff: p.Diff})
	return err
}

type jobRow struct {
	ID         string `gorm:"column:id;primaryKey"`
	RunID      string `gorm:"column:run_id"`
	SessionID  string `gorm:"column:session_id"`
	ProviderID string `gorm:"column:provider_id"`
	Handle     string `gorm:"column:handle"`
	NextPollMS int64  `gorm:"column:next_poll_ms"`
	Attempts   int64  `gorm:"column:attempts"`
	ErrorJSON  string `gorm:"column:error_json"`
	CreatedMS  int64  `gorm:"column:created_ms"`
	EndedMS    int64  `gorm:"column:ended_ms"`
	Rev        int64  `gorm:"column:rev"`
}

func (jobRow) TableName() string { return "jobs" }

func (r *jobRow) proto() (*apiv1.Job, error) {
	p := &apiv1.Job{
		Id: r.ID, RunId: r.RunID, SessionId: r.SessionID, ProviderId: r.ProviderID, Handle: r.Handle,
		NextPollMs: r.NextPollMS, Attempts: r.Attempts, CreatedMs: r.CreatedMS, EndedMs: r.EndedMS, Rev: r.Rev,
	}
	var err error
	p.Error, err = parse[providerv1.Error](r.ErrorJSON)
	return p, err
}

type providerRow struct {
	ID           string `gorm:"column:id;primaryKey"`
	Plugin       string `gorm:"column:plugin"`
	Name         string `gorm:"column:name"`
	BaseURL      string `gorm:"column:base_url"`
	SettingsJSON string `gorm:"column:settings_json"`
	KeySource    string `gorm:"column:key_source"`
	KeyOrigin    string `gorm:"column:key_origin"`
	DefaultModel string `gorm:"column:default_model"`
	IsDefault    bool   `gorm:"column:is_default"`
	Canned       bool   `gorm:"column:canned"`
	ErrorJSON    string `gorm:"column:error_json"`
	CheckedMS    int64  `gorm:"column:checked_ms"`
	CreatedMS    int64  `gorm:"column:created_ms"`
	Rev          int64  `gorm:"column:rev"`
	// Found, not kept: the model that answers where none is named.
	Answering string `gorm:"-"`
}

func (providerRow) TableName() string { return "providers" }

func (r *providerRow) proto() (*apiv1.Provider, error) {
	p := &apiv1.Provider{
		Id: r.ID, Plugin: r.Plugin, Name: r.Name, BaseUrl: r.BaseURL, SettingsJson: r.SettingsJSON, KeySource: r.KeySource,
		DefaultModel: r.DefaultModel, IsDefault: r.IsDefault, Canned: r.Canned, CheckedMs: r.CheckedMS, CreatedMs: r.CreatedMS, Rev: r.Rev,
		AnsweringModel: r.Answering, KeyOrigin: r.KeyOrigin,
	}
	var err error
	p.Error, err = parse[providerv1.Error](r.ErrorJSON)
	return p, err
}

// take copies what callers may change.
func (r *providerRow) take(p *apiv1.Provider) (err error) {
	r.Plugin, r.Name, r.BaseURL = clean(p.Plugin), clean(p.Name), clean(p.BaseUrl)
	r.SettingsJSON, r.KeySource, r.DefaultModel = clean(p.SettingsJson), clean(p.KeySource), clean(p.DefaultModel)
	r.KeyOrigin = clean(p.KeyOrigin)
	r.IsDefault, r.Canned, r.CheckedMS = p.IsDefault, p.Canned, p.CheckedMs
	r.ErrorJSON, err = format(p.Error)
	return err
}

type modelRow struct {
	ProviderID string `gorm:"column:provider_id;primaryKey"`
	ID         string `gorm:"column:id;primaryKey"`
	Position   int64  `gorm:"column:position"`
	ModelJSON  string `gorm:"column:model_json"`
	Vanished   bool   `gorm:"column:vanished"`
	Rev        int64  `gorm:"column:rev"`
}

func (modelRow) TableName() string { return "models" }

func (r *modelRow) proto() (*apiv1.Model, error) {
	m, err := parse[providerv1.Model](r.ModelJSON)
	return &apiv1.Model{ProviderId: r.ProviderID, Model: m, Vanished: r.Vanished, Rev: r.Rev}, err
}

type settingRow struct {
	Key       string `gorm:"column:key;primaryKey"`
	ValueJSON string `gorm:"column:value_json"`
	Rev       int64  `gorm:"column:rev"`
}

func (settingRow) TableName() string { return "settings" }

func (r *settingRow) proto() *apiv1.Setting {
	return &apiv1.Setting{Key: r.Key, ValueJson: r.ValueJSON, Rev: r.Rev}
}

// liveRow is something that lives outside the database, as Publish was told of it.
type liveRow struct {
	Topic    int32  `gorm:"column:topic;primaryKey"`
	ID       string `gorm:"column:id;primaryKey"`
	BodyJSON string `gorm:"column:body_json"`
	Rev      int64  `gorm:"column:rev"`
}

func (liveRow) TableName() string { return "live" }

type tombstoneRow struct {
	Topic     int32  `gorm:"column:topic;primaryKey"`
	ID        string `gorm:"column:id;primaryKey"`
	SessionID string `gorm:"column:session_id"`
	Rev       int64  `gorm:"column:rev"`
}

func (tombstoneRow) TableName() string { return "tombstones" }

func (r *tombstoneRow) proto() *apiv1.Tombstone {
	return &apiv1.Tombstone{Topic: apiv1.Topic(r.Topic), Id: r.ID, SessionId: r.SessionID, Rev: r.Rev}
}

type usageRow struct {
	RunID             string `gorm:"column:run_id;primaryKey"`
	Call              int64  `gorm:"column:call;primaryKey;autoIncrement:false"`
	SessionID         string `gorm:"column:session_id"`
	ProviderID        string `gorm:"column:provider_id"`
	Model             string `gorm:"column:model"`
	InputTokens       int64  `gorm:"column:input_tokens"`
	OutputTokens      int64  `gorm:"column:output_tokens"`
	CachedInputTokens int64  `gorm:"column:cached_input_tokens"`
	ReasoningTokens   int64  `gorm:"column:reasoning_tokens"`
	Estimated         bool   `gorm:"column:estimated"`
	CreatedMS         int64  `gorm:"column:created_ms"`
}

func (usageRow) TableName() string { return "usage" }
