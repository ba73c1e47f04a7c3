package store

import (
	"fmt"

	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// lastTopic is the highest of the topics a watcher may ask for.
const lastTopic = int(apiv1.Topic_TOPIC_CONSENTS)

// topic is what a watcher may ask for: the rows of a table. All that is done with any of them reads this: telling of
// changes, leaving tombstones, removing a session, and checking that what was promised is so.
type topic struct {
	id    apiv1.Topic
	table string
	// key is what a tombstone calls a row, in SQL; "": the session's stands for it too.
	key string
	// which rows of the table; "": all.
	which string
	// ofSession says that they belong to a session, by session_id, and go with it.
	ofSession bool
	// changed gives the first changes of a query, in order.
	changed func(view, ChangesQuery) ([]change, error)
}

// topics is what there is to watch, by number; tombstones are topic 0.
func topics() [lastTopic + 1]topic {
	all := [lastTopic + 1]topic{
		{table: "tombstones", changed: func(v view, q ChangesQuery) ([]change, error) {
			wanted := func(g *gorm.DB) *gorm.DB { return g.Where("topic IN ?", q.topics()) }
			return changed(v, q, wanted, func(r *tombstoneRow) (int64, *apiv1.Change, error) {
				return r.Rev, &apiv1.Change{Row: &apiv1.Change_Tombstone{Tombstone: r.proto()}}, nil
			})
		}},
		apiv1.Topic_TOPIC_SESSIONS: {table: "sessions", key: "id", changed: rows(func(r *sessionRow) (int64, *apiv1.Change, error) {
			return r.Rev, &apiv1.Change{Row: &apiv1.Change_Session{Session: r.proto()}}, nil
		})},
		apiv1.Topic_TOPIC_RUNS: {table: "runs", key: "id", ofSession: true, changed: rows(func(r *runRow) (int64, *apiv1.Change, error) {
			p, err := r.proto()
			return r.Rev, &apiv1.Change{Row: &apiv1.Change_Run{Run: p}}, err
		})},
		apiv1.Topic_TOPIC_ENTRIES: {table: "entries", ofSession: true, changed: view.changedEntries},
		apiv1.Topic_TOPIC_APPROVALS: {table: "approvals", key: "id", ofSession: true, changed: rows(func(r *approvalRow) (int64, *apiv1.Change, error) {
			p, err := r.proto()
			return r.Rev, &apiv1.Change{Row: &apiv1.Change_Approval{Approval: p}}, err
		})},
		apiv1.Topic_TOPIC_PROVIDERS: {table: "providers", key: "id", changed: rows(func(r *providerRow) (int64, *apiv1.Change, error) {
			p, err := r.proto()
			return r.Rev, &apiv1.Change{Row: &apiv1.Change_Provider{Provider: p}}, err
		})},
		apiv1.Topic_TOPIC_MODELS: {table: "models", key: "provider_id || '/' || id", changed: rows(func(r *modelRow) (int64, *apiv1.Change, error) {
			p, err := r.proto()
			return r.Rev, &apiv1.Change{Row: &apiv1.Change_Model{Model: p}}, err
		})},
		apiv1.Topic_TOPIC_JOBS: {table: "jobs", key: "id", ofSession: true, changed: rows(func(r *jobRow) (int64, *apiv1.Change, error) {
			p, err := r.proto()
			return r.Rev, &apiv1.Change{Row: &apiv1.Change_Job{Job: p}}, err
		})},
		apiv1.Topic_TOPIC_SETTINGS: {table: "settings", key: "key", changed: rows(func(r *settingRow) (int64, *apiv1.Change, error) {
			return r.Rev, &apiv1.Change{Row: &apiv1.Change_Setting{Setting: r.proto()}}, nil
		})},
		apiv1.Topic_TOPIC_WORKSPACES: {table: "workspaces", key: "id", changed: rows(func(r *workspaceRow) (int64, *apiv1.Change, error) {
			return r.Rev, &apiv1.Change{Row: &apiv1.Change_Workspace{Workspace: r.proto()}}, nil
		})},
		apiv1.Topic_TOPIC_RULES: {table: "rules", key: "id", ofSession: true, changed: rows(func(r *ruleRow) (int64, *apiv1.Change, error) {
			p, err := r.proto()
			return r.Rev, &apiv1.Change{Row: &apiv1.Change_Rule{Rule: p}}, err
		})},
		apiv1.Topic_TOPIC_PLUGINS: live(apiv1.Topic_TOPIC_PLUGINS, func(body string, rev int64) (*apiv1.Change, error) {
			p, err := parse[apiv1.Plugin](body)
			if err == nil {
				p.Rev = rev
			}
			return &apiv1.Change{Row: &apiv1.Change_Plugin{Plugin: p}}, err
		}),
		apiv1.Topic_TOPIC_HOST: live(apiv1.Topic_TOPIC_HOST, func(body string, rev int64) (*apiv1.Change, error) {
			p, err := parse[apiv1.Host](body)
			if err == nil {
				p.Rev = rev
			}
			return &apiv1.Change{Row: &apiv1.Change_Host{Host: p}}, err
		}),
		apiv1.Topic_TOPIC_CONSENTS: live(apiv1.Topic_TOPIC_CONSENTS, func(body string, rev int64) (*apiv1.Change, error) {
			p, err := parse[apiv1.Consent](body)
			if err == nil {
				p.Rev = rev
			}
			return &apiv1.Change{Row: &apiv1.Change_Consent{Consent: p}}, err
		}),
	}
	for i := range all {
		all[i].id = apiv1.Topic(i)
	}
	return all
}

// live is a topic whose rows Publish keeps.
func live(id apiv1.Topic, show func(body string, rev int64) (*apiv1.Change, error)) topic {
	which := fmt.Sprintf("topic = %d", id)
	wanted := func(g *gorm.DB) *gorm.DB { return g.Where(which) }
	return topic{table: "live", key: "id", which: which, changed: func(v view, q ChangesQuery) ([]change, error) {
		return changed(v, q, wanted, func(r *liveRow) (int64, *apiv1.Change, error) {
			row, err := show(r.BodyJSON, r.Rev)
			return r.Rev, row, err
		})
	}}
}

// rows gives the changes of a table that is all of one topic.
func rows[R any](show func(*R) (int64, *apiv1.Change, error)) func(view, ChangesQuery) ([]change, error) {
	return func(v view, q ChangesQuery) ([]change, error) { return changed(v, q, nil, show) }
}
