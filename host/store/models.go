package store

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// modelKey is the id of a model's tombstone.
func modelKey(providerID, id string) string { return providerID + "/" + id }

func (t *tx) removeModel(r *modelRow) error {
	if err := t.orm.Delete(r).Error; err != nil {
		return fmt.Errorf("remove model %s: %w", r.ID, err)
	}
	return t.bury(apiv1.Topic_TOPIC_MODELS, modelKey(r.ProviderID, r.ID), "")
}

// SyncModels makes the models of a provider those given, in that order. One that is no longer listed stays, marked
// vanished, while a session or the provider's default names it.
func (s *Store) SyncModels(ctx context.Context, providerID string, models []*providerv1.Model) error {
	return s.write(ctx, false, func(t *tx) error {
		provider, err := t.provider(providerID)
		if err != nil {
			return err
		}
		var rows []modelRow
		if err := t.orm.Where("provider_id = ?", providerID).Find(&rows).Error; err != nil {
			return fmt.Errorf("list models: %w", err)
		}
		old := map[string]*modelRow{}
		for i := range rows {
			old[rows[i].ID] = &rows[i]
		}
		listed := map[string]bool{}
		for _, m := range models {
			id := clean(m.Id)
			if id == "" || listed[id] {
				continue
			}
			listed[id] = true
			if err := t.syncModel(old[id], providerID, id, int64(len(listed)), m); err != nil {
				return err
			}
		}
		for _, r := range old {
			if listed[r.ID] {
				continue
			}
			if err := t.vanish(r); err != nil {
				return err
			}
		}
		return t.reviseAnswering(&provider)
	})
}

func (t *tx) syncModel(old *modelRow, providerID, id string, position int64, m *providerv1.Model) error {
	body, err := format(m)
	if err != nil {
		return err
	}
	row := modelRow{ProviderID: providerID, ID: id, Position: position, ModelJSON: body}
	if old == nil {
		row.Rev = t.next(apiv1.Topic_TOPIC_MODELS)
		if err := t.orm.Create(&row).Error; err != nil {
			return fmt.Errorf("add model %s: %w", id, err)
		}
		return t.unbury(apiv1.Topic_TOPIC_MODELS, modelKey(providerID, id))
	}
	known, err := parse[providerv1.Model](old.ModelJSON)
	if err != nil {
		return err
	}
	if proto.Equal(known, m) && old.Position == position && !old.Vanished {
		return nil
	}
	return t.saveModel(&row)
}

func (t *tx) saveModel(r *modelRow) error {
	r.Rev = t.next(apiv1.Topic_TOPIC_MODELS)
	if err := t.orm.Select("*").Updates(r).Error; err != nil {
		return fmt.Errorf("write model %s: %w", r.ID, err)
	}
	return nil
}

// vanish marks a model that is no longer listed, or removes it if nothing names it.
func (t *tx) vanish(r *modelRow) error {
	var named int64
	err := t.one(`SELECT (SELECT count(*) FROM sessions WHERE provider_id = ?1 AND model = ?2)
		+ (SELECT count(*) FROM providers WHERE id = ?1 AND default_model = ?2)`, []any{r.ProviderID, r.ID}, &named)
	switch {
	case err != nil:
		return fmt.Errorf("look who uses model %s: %w", r.ID, err)
	case named == 0:
		return t.removeModel(r)
	case r.Vanished:
		return nil
	}
	r.Vanished = true
	return t.saveModel(r)
}

// Models gives the models of one provider, in its order; of all providers if providerID is empty. They must not be
// changed.
func (s *Store) Models(ctx context.Context, providerID string) ([]*apiv1.Model, error) {
	all, err := s.models.get(ctx, s, apiv1.Topic_TOPIC_MODELS, func(v view) (map[string][]*apiv1.Model, error) {
		var rows []modelRow
		if err := v.orm.Order("provider_id, vanished, position, id").Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("list models: %w", err)
		}
		all := map[string][]*apiv1.Model{}
		for i := range rows {
			m, err := rows[i].proto()
			if err != nil {
				return nil, err
			}
			all[m.ProviderId], all[""] = append(all[m.ProviderId], m), append(all[""], m)
		}
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	return slices.Clone(all[providerID]), nil
}

// Model finds one model of a provider; nil if it was never listed. It must not be changed.
func (s *Store) Model(ctx context.Context, providerID, id string) (*apiv1.Model, error) {
	all, err := s.Models(ctx, providerID)
	for _, m := range all {
		if m.Model.GetId() == id {
			return m, err
		}
	}
	return nil, err
}
