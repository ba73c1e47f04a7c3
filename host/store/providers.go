package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"gorm.io/gorm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
)

func (v view) provider(id string) (providerRow, error) {
	var row providerRow
	err := v.orm.Take(&row, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, fmt.Errorf("%w: there is no provider %q; \"openvibez provider list\" shows those there are", ErrNotFound, id)
	}
	if err != nil {
		return row, fmt.Errorf("read provider %s: %w", id, err)
	}
	return row, nil
}

// checkProvider says in words why a provider can't be kept.
func checkProvider(p *apiv1.Provider) error {
	if p.Plugin == "" {
		return fmt.Errorf("%w: a provider needs a plugin", ErrInvalid)
	}
	if strings.TrimSpace(p.Name) == "" {
		return fmt.Errorf("%w: a provider needs a name", ErrInvalid)
	}
	var object map[string]any
	if p.SettingsJson != "" && json.Unmarshal([]byte(p.SettingsJson), &object) != nil {
		return fmt.Errorf("%w: the settings of provider %s are not a JSON object", ErrInvalid, p.Name)
	}
	return nil
}

// claim makes sure that a provider's name is free, and that it is the only default if it is one.
func (t *tx) claim(r *providerRow) error {
	var taken int64
	if err := t.one("SELECT count(*) FROM providers WHERE name = ? AND id <> ?", []any{r.Name, r.ID}, &taken); err != nil {
		return fmt.Errorf("look for provider %s: %w", r.Name, err)
	}
	if taken > 0 {
		return fmt.Errorf("%w: there is a provider %q already; choose another name, or change that one", ErrDuplicateName, r.Name)
	}
	if !r.IsDefault {
		return nil
	}
	var others []providerRow
	if err := t.orm.Where("is_default = 1 AND id <> ?", r.ID).Find(&others).Error; err != nil {
		return fmt.Errorf("find the default provider: %w", err)
	}
	for i := range others {
		others[i].IsDefault = false
		if err := t.saveProvider(&others[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) saveProvider(r *providerRow) error {
	r.Rev = t.next(apiv1.Topic_TOPIC_PROVIDERS)
	if err := t.orm.Select("*").Updates(r).Error; err != nil {
		return fmt.Errorf("write provider %s: %w", r.Name, err)
	}
	return r.AfterFind(t.orm)
}

// AddProvider keeps a new provider and gives it its id, unless it has one of its own. One that is to be the default takes that from the one before.
func (s *Store) AddProvider(ctx context.Context, p *apiv1.Provider) (*apiv1.Provider, error) {
	if err := checkProvider(p); err != nil {
		return nil, err
	}
	var row providerRow
	err := s.write(ctx, true, func(t *tx) error {
		row = providerRow{ID: p.Id, CreatedMS: t.now}
		if row.ID == "" {
			row.ID = newID()
		}
		if err := row.take(p); err != nil {
			return err
		}
		if err := t.claim(&row); err != nil {
			return err
		}
		row.Rev = t.next(apiv1.Topic_TOPIC_PROVIDERS)
		if err := t.orm.Create(&row).Error; err != nil {
			return fmt.Errorf("add provider %s: %w", row.Name, err)
		}
		return row.AfterFind(t.orm)
	})
	if err != nil {
		return nil, err
	}
	return row.proto()
}

// UpdateProvider lets change set the fields of a provider that callers may set. If change fails, nothing happens. It must
// not call the store.
func (s *Store) UpdateProvider(ctx context.Context, id string, change func(*apiv1.Provider) error) (*apiv1.Provider, error) {
	var row providerRow
	err := s.write(ctx, true, func(t *tx) (err error) {
		if row, err = t.provider(id); err != nil {
			return err
		}
		before, err := row.proto()
		if err != nil {
			return err
		}
		p := proto.CloneOf(before)
		if err := change(p); err != nil {
			return err
		}
		if err := checkProvider(p); err != nil {
			return err
		}
		if err := row.take(p); err != nil {
			return err
		}
		after, err := row.proto()
		if err != nil || proto.Equal(before, after) {
			return err
		}
		if err := t.claim(&row); err != nil {
			return err
		}
		return t.saveProvider(&row)
	})
	if err != nil {
		return nil, err
	}
	return row.proto()
}

// RemoveProvider forgets a provider, its models and what those refuse. Sessions go on naming it by its id.
func (s *Store) RemoveProvider(ctx context.Context, id string) error {
	return s.write(ctx, true, func(t *tx) error {
		row, err := t.provider(id)
		if err != nil {
			return err
		}
		var models []modelRow
		if err := t.orm.Where("provider_id = ?", id).Find(&models).Error; err != nil {
			return fmt.Errorf("list the models of %s: %w", row.Name, err)
		}
		for i := range models {
			if err := t.removeModel(&models[i]); err != nil {
				return err
			}
		}
		var settings []settingRow
		prefix := setting.Refused(id, "")
		if err := t.orm.Where("substr(key, 1, ?) = ?", len(prefix), prefix).Find(&settings).Error; err != nil {
			return fmt.Errorf("list what models of %s refuse: %w", row.Name, err)
		}
		for i := range settings {
			if err := t.resetSetting(&settings[i]); err != nil {
				return err
			}
		}
		if err := t.orm.Delete(&row).Error; err != nil {
			return fmt.Errorf("remove provider %s: %w", row.Name, err)
		}
		if row.IsDefault {
			if err := t.inherit(); err != nil {
				return fmt.Errorf("make another provider the default: %w", err)
			}
		}
		name, err := json.Marshal(row.Name)
		if err != nil {
			return fmt.Errorf("keep the name of provider %s: %w", row.Name, err)
		}
		if err := t.orm.Save(&settingRow{Key: setting.Removed(id), ValueJSON: string(name), Rev: t.next(apiv1.Topic_TOPIC_SETTINGS)}).Error; err != nil {
			return fmt.Errorf("keep the name of provider %s: %w", row.Name, err)
		}
		return t.bury(apiv1.Topic_TOPIC_PROVIDERS, id, "")
	})
}

// Providers gives all providers, by name. Each is the caller's own.
func (s *Store) Providers(ctx context.Context) ([]*apiv1.Provider, error) {
	all, err := s.providers.get(ctx, s, apiv1.Topic_TOPIC_PROVIDERS, func(v view) ([]*apiv1.Provider, error) {
		var rows []providerRow
		if err := v.orm.Order("name COLLATE NOCASE").Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("list providers: %w", err)
		}
		all := make([]*apiv1.Provider, len(rows))
		for i := range rows {
			var err error
			if all[i], err = rows[i].proto(); err != nil {
				return nil, err
			}
		}
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	own := make([]*apiv1.Provider, len(all))
	for i, p := range all {
		own[i] = proto.CloneOf(p)
	}
	return own, nil
}

// Provider finds a provider by its id or its name, upper or lower case.
func (s *Store) Provider(ctx context.Context, idOrName string) (*apiv1.Provider, error) {
	all, err := s.Providers(ctx)
	if err != nil {
		return nil, err
	}
	var named *apiv1.Provider
	for _, p := range all {
		if p.Id == idOrName {
			return p, nil
		}
		if strings.EqualFold(p.Name, idOrName) && (named == nil || p.Name == idOrName) {
			named = p
		}
	}
	if named == nil {
		return nil, fmt.Errorf("%w: there is no provider %q; \"openvibez provider list\" shows those there are", ErrNotFound, idOrName)
	}
	return named, nil
}

// DefaultProvider gives the provider that messages go to when nothing else is chosen; nil if there is none.
func (s *Store) DefaultProvider(ctx context.Context) (*apiv1.Provider, error) {
	all, err := s.Providers(ctx)
	for _, p := range all {
		if p.IsDefault {
			return p, err
		}
	}
	return nil, err
}
