package store

import (
	"context"
	"fmt"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// CountUsage keeps what a call beside a run's own turns consumed, such as one that made a title.
func (s *Store) CountUsage(ctx context.Context, runID, model string, u *providerv1.Usage) error {
	return s.write(ctx, true, func(t *tx) error {
		run, err := t.run(runID)
		if err != nil {
			return err
		}
		run.Model = model
		return t.countUsage(&run, &apiv1.Entry{Body: &apiv1.Entry_Usage{Usage: u}})
	})
}

// Usage sums up what was consumed from one time up to another, a zero time being no limit: one row a day of the local
// time zone, provider and model, newest first. Cost is that at the model's list price as it is known now.
func (s *Store) Usage(ctx context.Context, since, until time.Time) ([]*apiv1.UsageSum, error) {
	from, to := int64(0), s.now().UnixMilli()
	if !since.IsZero() {
		from = since.UnixMilli()
	}
	if !until.IsZero() {
		to = until.UnixMilli()
	}
	var sums []*apiv1.UsageSum
	err := s.read(ctx, func(v view) error {
		sums = nil
		return v.each(func(scan func(...any) error) error {
			sum := &apiv1.UsageSum{Usage: &providerv1.Usage{}}
			var model string
			u := sum.Usage
			err := scan(&sum.Day, &sum.ProviderId, &sum.Provider, &sum.Model, &model, &sum.Calls, &sum.EstimatedCalls,
				&u.InputTokens, &u.OutputTokens, &u.CachedInputTokens, &u.ReasoningTokens)
			if err != nil {
				return err
			}
			u.Estimated = sum.EstimatedCalls > 0
			known, err := parse[providerv1.Model](model)
			if err != nil {
				return fmt.Errorf("read model %s: %w", sum.Model, err)
			}
			if p := known.GetPrice(); p != nil {
				cost := ((u.InputTokens-u.CachedInputTokens)*p.Input + u.CachedInputTokens*p.CachedInput + u.OutputTokens*p.Output) / 1e6
				sum.CostMicrodollars = &cost
			}
			sums = append(sums, sum)
			return nil
		}, `SELECT date(u.created_ms / 1000, 'unixepoch', 'localtime') AS day, u.provider_id, coalesce(p.name, json_extract(gone.value_json, '$'), u.provider_id), u.model,
				coalesce(m.model_json, ''), count(*), sum(u.estimated), sum(u.input_tokens), sum(u.output_tokens),
				sum(u.cached_input_tokens), sum(u.reasoning_tokens)
			FROM usage u LEFT JOIN providers p ON p.id = u.provider_id
			LEFT JOIN settings gone ON gone.key = 'removed.' || u.provider_id
			LEFT JOIN models m ON m.provider_id = u.provider_id AND m.id = u.model
			WHERE u.created_ms >= ? AND u.created_ms <= ?
			GROUP BY day, u.provider_id, u.model ORDER BY day DESC, 3, u.model`, from, to)
	})
	if err != nil {
		return nil, fmt.Errorf("sum up usage: %w", err)
	}
	return sums, nil
}
