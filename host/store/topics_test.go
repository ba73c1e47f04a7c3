package store

import (
	"testing"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// Whatever topic the API knows, there are rows to tell of: a new one can't be forgotten here.
func TestEveryTopicIsDescribed(t *testing.T) {
	values := apiv1.Topic_TOPIC_UNSPECIFIED.Descriptor().Values()
	if last := int(values.Get(values.Len() - 1).Number()); last != lastTopic {
		t.Fatalf("the API knows topics up to %d, the store up to %d", last, lastTopic)
	}
	for _, topic := range topics() {
		if topic.table == "" || topic.changed == nil {
			t.Errorf("nothing is known of %v", topic.id)
		}
	}
	row := (&apiv1.Change{}).ProtoReflect().Descriptor().Oneofs().ByName("row")
	if row.Fields().Len() != lastTopic+1 {
		t.Errorf("a change can be one of %d rows, and there are %d topics and the tombstones", row.Fields().Len(), lastTopic)
	}
}

// What is published is seen by who watches, once for each change, and gone when it is not published any more: from an
// earlier host too.
func TestPublish(t *testing.T) {
	s := fresh(t)
	publish := func(all ...*apiv1.Plugin) {
		t.Helper()
		byID := map[string]proto.Message{}
		for _, p := range all {
			byID[p.Id] = p
		}
		if err := s.Publish(t.Context(), apiv1.Topic_TOPIC_PLUGINS, byID); err != nil {
			t.Fatal(err)
		}
	}
	after := int64(0)
	seen := func() (words []string) {
		t.Helper()
		changes, rev, err := s.Changes(t.Context(), ChangesQuery{After: after, Topics: []apiv1.Topic{apiv1.Topic_TOPIC_PLUGINS}})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if p := c.GetPlugin(); p != nil {
				words = append(words, p.Id+" "+p.State.String())
				if p.Rev <= after || p.Rev > rev {
					t.Errorf("plugin %s has rev %d, seen from %d to %d", p.Id, p.Rev, after, rev)
				}
			} else {
				words = append(words, "gone "+c.GetTombstone().Id)
			}
		}
		after = rev
		return words
	}
	stopped := &apiv1.Plugin{Id: "ollama", State: apiv1.Plugin_STATE_STOPPED}
	running := &apiv1.Plugin{Id: "ollama", State: apiv1.Plugin_STATE_RUNNING}
	publish(stopped)
	wantWords(t, seen(), "ollama STATE_STOPPED")
	publish(stopped)
	wantWords(t, seen())
	publish(running, &apiv1.Plugin{Id: "demo"})
	if got := seen(); len(got) != 2 {
		t.Errorf("%q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, s.path)
	publish(running)
	wantWords(t, seen(), "gone demo")
	publish(running, &apiv1.Plugin{Id: "demo"})
	wantWords(t, seen(), "demo STATE_UNSPECIFIED")
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}

func wantWords(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%q instead of %q", got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%q instead of %q", got, want)
		}
	}
}
