package store

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// Publish lets watchers see rows of what does not live in the database: plugins, the host itself. It is given all rows of
// the topic by id, without their revisions; those that are not there any more are gone, also when an earlier host had
// published them.
func (s *Store) Publish(ctx context.Context, topic apiv1.Topic, all map[string]proto.Message) error {
	bodies := make(map[string]string, len(all))
	for id, m := range all {
		body, err := formatAny(m)
		if err != nil {
			return err
		}
		bodies[id] = body
	}
	return s.write(ctx, false, func(t *tx) error {
		var before []liveRow
		if err := t.orm.Where("topic = ?", topic).Find(&before).Error; err != nil {
			return fmt.Errorf("read what was published: %w", err)
		}
		for _, old := range before {
			body, still := bodies[old.ID]
			switch {
			case !still:
				if err := t.orm.Delete(&old).Error; err != nil {
					return fmt.Errorf("take back what was published: %w", err)
				}
				if err := t.bury(topic, old.ID, ""); err != nil {
					return err
				}
			case body == old.BodyJSON:
				delete(bodies, old.ID)
			}
		}
		for id, body := range bodies {
			if err := t.orm.Save(&liveRow{Topic: int32(topic), ID: id, BodyJSON: body, Rev: t.next(topic)}).Error; err != nil {
				return fmt.Errorf("publish %s: %w", id, err)
			}
			if err := t.unbury(topic, id); err != nil {
				return err
			}
		}
		return nil
	})
}
