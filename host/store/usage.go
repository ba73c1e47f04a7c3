package store

import (
	"context"

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
