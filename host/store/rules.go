package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

type ruleRow struct {
	ID          string  `gorm:"column:id;primaryKey"`
	WorkspaceID *string `gorm:"column:workspace_id"`
	SessionID   *string `gorm:"column:session_id"`
	PrefixJSON  string  `gorm:"column:prefix_json"`
	Domain      string  `gorm:"column:domain"`
	Origin      string  `gorm:"column:origin"`
	CreatedMS   int64   `gorm:"column:created_ms"`
	UsedMS      int64   `gorm:"column:used_ms"`
	Uses        int64   `gorm:"column:uses"`
	Rev         int64   `gorm:"column:rev"`
}

func (ruleRow) TableName() string { return "rules" }

func (r *ruleRow) proto() (*apiv1.Rule, error) {
	p := &apiv1.Rule{Id: r.ID, Domain: r.Domain, MadeBy: authorNamed(r.Origin), CreatedMs: r.CreatedMS, UsedMs: r.UsedMS, Uses: r.Uses, Rev: r.Rev}
	if r.WorkspaceID != nil {
		p.WorkspaceId = *r.WorkspaceID
	}
	if r.SessionID != nil {
		p.SessionId = *r.SessionID
	}
	if r.PrefixJSON != "" {
		if err := json.Unmarshal([]byte(r.PrefixJSON), &p.Prefix); err != nil {
			return nil, fmt.Errorf("read rule %s: %w", r.ID, err)
		}
	}
	return p, nil
}

// AddRules keeps rules: each of one workspace, or of one session, or of a session while it is in a workspace, and each
// with a prefix or a domain. One that is there already is given back as it is.
func (s *Store) AddRules(ctx context.Context, rules ...*apiv1.Rule) ([]*apiv1.Rule, error) {
	var kept []*apiv1.Rule
	err := s.write(ctx, true, func(t *tx) error {
		kept = nil
		for _, r := range rules {
			p, err := t.addRule(r)
			if err != nil {
				return err
			}
			kept = append(kept, p)
		}
		return nil
	})
	return kept, err
}

func (t *tx) addRule(r *apiv1.Rule) (*apiv1.Rule, error) {
	if (len(r.Prefix) == 0) == (r.Domain == "") || r.WorkspaceId == "" && r.SessionId == "" {
		return nil, fmt.Errorf("%w: a rule is of a workspace or a session, and has the first words of a command or a host", ErrInvalid)
	}
	row := ruleRow{ID: newID(), Domain: clean(r.Domain), Origin: authorName(r.MadeBy), CreatedMS: t.now}
	q := t.orm.Where("domain = ?", row.Domain)
	if r.WorkspaceId != "" {
		row.WorkspaceID = &r.WorkspaceId
		q = q.Where("workspace_id = ?", r.WorkspaceId)
	} else {
		q = q.Where("workspace_id IS NULL")
	}
	if r.SessionId != "" {
		row.SessionID = &r.SessionId
		q = q.Where("session_id = ?", r.SessionId)
	} else {
		q = q.Where("session_id IS NULL")
	}
	if len(r.Prefix) > 0 {
		words := make([]string, len(r.Prefix))
		for i, w := range r.Prefix {
			words[i] = clean(w)
		}
		text, err := json.Marshal(words)
		if err != nil {
			return nil, err
		}
		row.PrefixJSON = string(text)
	}
	var old ruleRow
	err := q.Where("prefix_json = ?", row.PrefixJSON).Take(&old).Error
	if err == nil {
		return old.proto()
	}
	if !errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, fmt.Errorf("find a rule: %w", err)
	}
	row.Rev = t.next(apiv1.Topic_TOPIC_RULES)
	if err := t.orm.Create(&row).Error; err != nil {
		return nil, fmt.Errorf("keep a rule: %w", err)
	}
	return row.proto()
}

// Rules gives the rules of a workspace, or of all, newest first, and the revision to watch from.
func (s *Store) Rules(ctx context.Context, workspaceID string) (rules []*apiv1.Rule, rev int64, err error) {
	err = s.read(ctx, func(v view) error {
		all, err := v.rules()
		if err != nil {
			return err
		}
		for _, r := range slices.Backward(all) {
			if workspaceID == "" || r.WorkspaceId == workspaceID {
				rules = append(rules, r)
			}
		}
		rev, err = v.revision()
		return err
	})
	return rules, rev, err
}

// RulesFor gives the rules that hold in a session, oldest first. They are shared: nobody may change them.
func (s *Store) RulesFor(ctx context.Context, session *apiv1.Session) ([]*apiv1.Rule, error) {
	all, err := s.rules.get(ctx, s, apiv1.Topic_TOPIC_RULES, view.rules)
	if err != nil {
		return nil, err
	}
	var rules []*apiv1.Rule
	for _, r := range all {
		if r.WorkspaceId == session.WorkspaceId && (r.SessionId == "" || r.SessionId == session.Id) {
			rules = append(rules, r)
		}
	}
	return rules, nil
}

// rules are all there are, oldest first.
func (v view) rules() ([]*apiv1.Rule, error) {
	var rows []ruleRow
	if err := v.orm.Order("created_ms, rowid").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list rules: %w", err)
	}
	rules := make([]*apiv1.Rule, len(rows))
	for i := range rows {
		p, err := rows[i].proto()
		if err != nil {
			return nil, err
		}
		rules[i] = p
	}
	return rules, nil
}

// UseRules notes that rules have just let something happen. One that is gone is passed over.
func (s *Store) UseRules(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	return s.write(ctx, false, func(t *tx) error {
		for _, id := range ids {
			if _, err := t.exec("UPDATE rules SET used_ms = ?, uses = uses + 1, rev = ? WHERE id = ?", t.now, t.next(apiv1.Topic_TOPIC_RULES), id); err != nil {
				return fmt.Errorf("note the use of rule %s: %w", id, err)
			}
		}
		return nil
	})
}

// RevokeRule removes a rule, named by its id or an unambiguous beginning of it.
func (s *Store) RevokeRule(ctx context.Context, idOrPrefix string) error {
	return s.write(ctx, true, func(t *tx) error {
		id, err := t.resolve("rules", "rule", "1", idOrPrefix)
		if err != nil {
			return err
		}
		return t.removeRules("id = ?", id)
	})
}

func (t *tx) removeRules(where string, arg any) error {
	var rows []ruleRow
	if err := t.orm.Where(where, arg).Find(&rows).Error; err != nil {
		return fmt.Errorf("find rules: %w", err)
	}
	for i := range rows {
		if err := t.orm.Delete(&rows[i]).Error; err != nil {
			return fmt.Errorf("remove rule %s: %w", rows[i].ID, err)
		}
		if err := t.bury(apiv1.Topic_TOPIC_RULES, rows[i].ID, ""); err != nil {
			return err
		}
	}
	return nil
}

// authorName is how the author of a rule is kept: "window", "cli".
func authorName(by apiv1.Author) string {
	return strings.ToLower(strings.TrimPrefix(by.String(), "AUTHOR_"))
}

func authorNamed(name string) apiv1.Author {
	return apiv1.Author(apiv1.Author_value["AUTHOR_"+strings.ToUpper(name)])
}
