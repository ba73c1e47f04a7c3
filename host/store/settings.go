package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// The settings that people make and the host obeys; window.* and draft.* are the page's own. Each has a default.
const (
	// SettingRetentionDays is after how many days without a message a session is removed for good; 0: never.
	SettingRetentionDays = "retention.days"
	// SettingRetentionWhat is which: "archived" ones, or "all". Pinned ones never are.
	SettingRetentionWhat = "retention.what"
	// SettingSummaries is whether older messages are summarised when a conversation outgrows its model's window.
	SettingSummaries = "summaries"
	// SettingTitles is who names sessions: {"provider": …, "model": …}, or false for nobody.
	SettingTitles = "titles"
	// SettingScratch is whether models may use tools in a scratch directory where a session has no workspace.
	SettingScratch = "tools.scratch"
	// SettingMaxTurns is how often one run may call its model.
	SettingMaxTurns = "tools.max_turns"
	// SettingApprovalMinutes is after how many minutes without an answer a question counts as denied.
	SettingApprovalMinutes = "tools.approval_minutes"
)

// SettingRefused is where the options are kept that a provider's model has refused; it goes with the provider.
func SettingRefused(providerID, model string) string { return "refused." + providerID + "." + model }

// SettingRemoved is where the name of a provider is kept that was removed: what it answered stays, and so does who that was.
func SettingRemoved(providerID string) string { return "removed." + providerID }

// CheckSetting says in words what is wrong with the value of one of the settings above; "" is the default. Others are not
// looked at.
func CheckSetting(key, valueJSON string) error {
	if valueJSON == "" {
		return nil
	}
	ok, may := true, ""
	switch key {
	case SettingRetentionDays:
		ok, may = between(valueJSON, 0, 36500), "a number of days, where 0 keeps sessions for ever"
	case SettingRetentionWhat:
		ok, may = valueJSON == `"archived"` || valueJSON == `"all"`, `"archived" or "all"`
	case SettingSummaries, SettingScratch:
		ok, may = valueJSON == "true" || valueJSON == "false", "true or false"
	case SettingTitles:
		var named struct{ Provider string }
		err := json.Unmarshal([]byte(valueJSON), &named)
		ok, may = valueJSON == "false" || err == nil && named.Provider != "", "false, or who names sessions; see openvibez provider default --help"
	case SettingMaxTurns:
		ok, may = between(valueJSON, 1, math.MaxInt32), "a whole number from 1 on"
	case SettingApprovalMinutes:
		ok, may = between(valueJSON, 0.01, 7*24*60), "a number of minutes, at most a week of them (10080)"
	}
	if !ok {
		return fmt.Errorf("%w: %s is %.60s: it can be %s", ErrInvalid, key, valueJSON, may)
	}
	return nil
}

// between tells whether a value is a number within bounds.
func between[T int | float64](valueJSON string, least, most T) bool {
	var n T
	return json.Unmarshal([]byte(valueJSON), &n) == nil && n >= least && n <= most
}

// BadSettings tells which settings have a value that is not understood and so not obeyed: a sentence each.
func BadSettings(all []*apiv1.Setting) (words []string) {
	for _, s := range all {
		if err := CheckSetting(s.Key, s.ValueJson); err != nil {
			words = append(words, fmt.Sprintf("%s; it is not obeyed until it is set anew or put back with: openvibez settings reset %s", Words(err), s.Key))
		}
	}
	return words
}

// Settings gives all settings that are set, by key. They must not be changed.
func (s *Store) Settings(ctx context.Context) ([]*apiv1.Setting, error) {
	return s.settings.get(ctx, s, apiv1.Topic_TOPIC_SETTINGS, func(v view) ([]*apiv1.Setting, error) {
		var rows []settingRow
		if err := v.orm.Order("key").Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read settings: %w", err)
		}
		all := make([]*apiv1.Setting, len(rows))
		for i := range rows {
			all[i] = rows[i].proto()
		}
		return all, nil
	})
}

// Setting gives the value of a setting; "" if it is not set.
func (s *Store) Setting(ctx context.Context, key string) (valueJSON string, err error) {
	all, err := s.Settings(ctx)
	for _, set := range all {
		if set.Key == key {
			return set.ValueJson, err
		}
	}
	return "", err
}

func (t *tx) resetSetting(r *settingRow) error {
	if err := t.orm.Delete(r).Error; err != nil {
		return fmt.Errorf("reset setting %s: %w", r.Key, err)
	}
	return t.bury(apiv1.Topic_TOPIC_SETTINGS, r.Key, "")
}

// SetSetting sets a setting to a JSON value, or back to its default if valueJSON is empty.
func (s *Store) SetSetting(ctx context.Context, key, valueJSON string) (*apiv1.Setting, error) {
	if key == "" || clean(key) != key {
		return nil, fmt.Errorf("%w: a setting needs a name", ErrInvalid)
	}
	if valueJSON != "" && !json.Valid([]byte(valueJSON)) {
		return nil, fmt.Errorf("%w: the value of %s is not JSON: text needs quotes, as in \"dark\"", ErrInvalid, key)
	}
	row := settingRow{Key: key, ValueJSON: clean(valueJSON)}
	err := s.write(ctx, true, func(t *tx) error {
		var old settingRow
		err := t.orm.Take(&old, "key = ?", key).Error
		if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
			return fmt.Errorf("read setting %s: %w", key, err)
		}
		row.Rev = old.Rev
		switch {
		case old.ValueJSON == row.ValueJSON:
			return nil
		case row.ValueJSON == "":
			return t.resetSetting(&old)
		}
		row.Rev = t.next(apiv1.Topic_TOPIC_SETTINGS)
		if err := t.orm.Save(&row).Error; err != nil {
			return fmt.Errorf("set %s: %w", key, err)
		}
		return t.unbury(apiv1.Topic_TOPIC_SETTINGS, key)
	})
	if err != nil {
		return nil, err
	}
	return row.proto(), nil
}
