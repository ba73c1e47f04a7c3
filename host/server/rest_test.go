package server

import (
	"sync/atomic"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// The program rests once after each time of use, whoever only waits for news, and never in the middle of something.
func TestRestsAfterUse(t *testing.T) {
	f := newFixture(t)
	var rested atomic.Int64
	f.Config.Rest = func() { rested.Add(1) }
	f.restAfter = 20 * time.Millisecond
	f.pulse = 10 * time.Millisecond
	f.start()
	stream, err := f.host.Watch(t.Context(), &apiv1.WatchRequest{Topics: []apiv1.Topic{apiv1.Topic_TOPIC_RUNS}})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for range 5 {
		if !stream.Receive() {
			t.Fatal(stream.Err())
		}
	}
	eventually(t, "a rest", func() bool { return rested.Load() > 0 })
	if f.Idle() != 0 {
		t.Error("a watcher does not keep the program")
	}
	before := rested.Load()
	f.working.Add(1)
	if _, err := f.sessions.ListSessions(t.Context(), &apiv1.ListSessionsRequest{}); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if !stream.Receive() {
			t.Fatal(stream.Err())
		}
	}
	if n := rested.Load(); n != before {
		t.Errorf("it rested %d times while a call was under way", n-before)
	}
	f.working.Add(-1)
	eventually(t, "another rest", func() bool { return rested.Load() > before })
}
