package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
)

// CheckSetting says in words what is wrong with the value of a setting; "" is the default. What is not known is not looked
// at.
func CheckSetting(key, valueJSON string) error {
	if setting.Fits(key, valueJSON) {
		return nil
	}
	s, _ := setting.Find(key)
	return fmt.Errorf("%w: %s is %.60s: it can be %s", ErrInvalid, key, valueJSON, s.May())
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
	if err := CheckSetting(key, valueJSON); err != nil {
		return nil, err
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
