package store

import (
	"context"
	"encoding/json"
	"fmt"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
)

// SaveDraft keeps what is typed in a session and not sent. before is what the caller knew of it: where another window has
// written since, what that wrote is given back and kept as the setting setting.OtherDraft, until it is reset.
func (s *Store) SaveDraft(ctx context.Context, sessionID, text, before string) (session *apiv1.Session, other string, err error) {
	var row sessionRow
	text, before = clean(text), clean(before)
	err = s.write(ctx, true, func(t *tx) (err error) {
		if row, err = t.session(sessionID); err != nil {
			return err
		}
		other = ""
		if row.Draft == text {
			return nil
		}
		if row.Draft != before && row.Draft != "" {
			other = row.Draft
			value, err := json.Marshal(other)
			if err != nil {
				return fmt.Errorf("keep the other draft: %w", err)
			}
			key := setting.OtherDraft(sessionID)
			if err := t.orm.Save(&settingRow{Key: key, ValueJSON: string(value), Rev: t.next(apiv1.Topic_TOPIC_SETTINGS)}).Error; err != nil {
				return fmt.Errorf("keep the other draft: %w", err)
			}
			if err := t.unbury(apiv1.Topic_TOPIC_SETTINGS, key); err != nil {
				return err
			}
		}
		row.Draft = text
		return t.saveSession(&row)
	})
	if err != nil {
		return nil, "", err
	}
	return row.proto(), other, nil
}

// forgetOtherDraft removes what SaveDraft has kept of a session.
func (t *tx) forgetOtherDraft(sessionID string) error {
	key := setting.OtherDraft(sessionID)
	n, err := t.exec("DELETE FROM settings WHERE key = ?", key)
	if err != nil {
		return fmt.Errorf("forget the other draft: %w", err)
	}
	if n == 0 {
		return nil
	}
	return t.bury(apiv1.Topic_TOPIC_SETTINGS, key, "")
}
