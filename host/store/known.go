package store

import (
	"context"
	"sync"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// known is what was read of a topic that is asked for at every turn and hardly ever changes.
type known[T any] struct {
	mu    sync.Mutex
	value T
	// The revision of the state it was read from; 0: nothing was read yet.
	rev int64
}

// get gives what is known, reading it again if anything of the topic has changed or is gone. The value is shared: nobody
// may change it.
func (k *known[T]) get(ctx context.Context, s *Store, topic apiv1.Topic, look func(view) (T, error)) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rev > 0 && !s.closed.Load() && s.topicRev[topic].Load() <= k.rev && s.topicRev[0].Load() <= k.rev {
		return k.value, ctx.Err()
	}
	err := s.read(ctx, func(v view) error {
		// The revision of a topic is noted before its change can be seen, so what this state does not have yet is noted as
		// newer.
		rev, err := v.revision()
		if err != nil {
			return err
		}
		value, err := look(v)
		if err == nil {
			k.value, k.rev = value, rev
		}
		return err
	})
	return k.value, err
}
