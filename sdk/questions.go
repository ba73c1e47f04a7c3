package sdk

import (
	"fmt"
	"sync"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// questions brings answers to the streams that wait for them.
type questions struct {
	mu   sync.Mutex
	open map[questionKey]chan *providerv1.AnswerRequest
}

type questionKey struct{ run, question string }

// expect registers a question before it is asked, so that no answer comes too early.
func (q *questions) expect(run, question string) (answer <-chan *providerv1.AnswerRequest, forget func(), err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := questionKey{run, question}
	if q.open[key] != nil {
		return nil, nil, fmt.Errorf("ask question %q of run %q, which already waits for an answer", question, run)
	}
	if q.open == nil {
		q.open = map[questionKey]chan *providerv1.AnswerRequest{}
	}
	c := make(chan *providerv1.AnswerRequest, 1)
	q.open[key] = c
	return c, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.open[key] == c {
			delete(q.open, key)
		}
	}, nil
}

// answer hands a to the stream that waits for it; false if none does. The first answer wins.
func (q *questions) answer(a *providerv1.AnswerRequest) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := questionKey{a.GetRunId(), a.GetQuestionId()}
	c, ok := q.open[key]
	if ok {
		delete(q.open, key)
		c <- a
	}
	return ok
}
