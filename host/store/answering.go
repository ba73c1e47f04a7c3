package store

import (
	"fmt"

	"gorm.io/gorm"
)

// A name without a tag means the tag "latest". Of what is listed, the recommended comes first, else the provider's first.
const answeringModel = `SELECT coalesce(
	(SELECT id FROM models WHERE provider_id = ?1 AND vanished = 0 AND ?2 <> '' AND id IN (?2, ?2 || ':latest') ORDER BY length(id) LIMIT 1),
	nullif(?2, ''),
	(SELECT id FROM models WHERE provider_id = ?1 AND vanished = 0
		ORDER BY coalesce(json_extract(model_json, '$.recommended'), 0) DESC, position, id LIMIT 1),
	'')`

// AfterFind finds the model that answers where a message names none. This is the only place where that is settled.
func (r *providerRow) AfterFind(db *gorm.DB) error {
	err := db.Session(&gorm.Session{NewDB: true}).Raw(answeringModel, r.ID, r.DefaultModel).Scan(&r.Answering).Error
	if err != nil {
		return fmt.Errorf("find the model of provider %s that answers: %w", r.Name, err)
	}
	return nil
}

// reviseAnswering tells watchers of a provider whose answering model has become another one with its models.
func (t *tx) reviseAnswering(before *providerRow) error {
	now := *before
	if err := now.AfterFind(t.orm); err != nil || now.Answering == before.Answering {
		return err
	}
	return t.saveProvider(&now)
}

// inherit makes another provider the default: there is one as long as there are providers.
func (t *tx) inherit() error {
	var next []providerRow
	if err := t.orm.Order("canned, name COLLATE NOCASE").Limit(1).Find(&next).Error; err != nil || len(next) == 0 {
		return err
	}
	next[0].IsDefault = true
	return t.saveProvider(&next[0])
}
