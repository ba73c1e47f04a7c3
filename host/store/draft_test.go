package store

import (
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
)

// Two windows write into the same session: the last one's text holds, and the other one's is not lost.
func TestDraftsOfTwoWindows(t *testing.T) {
	s := fresh(t)
	id := must[*apiv1.Session](t)(s.CreateSession(t.Context(), &apiv1.Session{})).Id
	save := func(text, before, wantOther string) {
		t.Helper()
		session, other, err := s.SaveDraft(t.Context(), id, text, before)
		if err != nil || session.Draft != text || other != wantOther {
			t.Errorf("saved %q after %q: %v, the other is %q, %v", text, before, session, other, err)
		}
	}
	save("Dear", "", "")
	save("Dear A", "Dear", "")
	// The second window began with nothing.
	save("Hello", "", "Dear A")
	if kept := must[string](t)(s.Setting(t.Context(), setting.OtherDraft(id))); kept != `"Dear A"` {
		t.Errorf("kept is %s", kept)
	}
	save("Hello", "Dear", "")
	save("", "Hello", "")
	// What was sent or taken away is no other text.
	save("Next", "Hello", "")
	if err := s.PurgeSession(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if kept := must[string](t)(s.Setting(t.Context(), setting.OtherDraft(id))); kept != "" {
		t.Errorf("of a session that is gone there is %s", kept)
	}
}
