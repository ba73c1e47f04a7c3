package store

import (
	"fmt"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// A list shows each session as it is, whatever few others have too.
func TestListedSessionsAreWhole(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "db"))
	for i := range 24 {
		p := &apiv1.Session{Pinned: i%5 == 0, AccessMode: apiv1.AccessMode(i%3 + 1)}
		if i%2 == 0 {
			p.Title, p.ProviderId, p.Model = fmt.Sprint("title ", i), "p", "m"
		}
		if i >= 12 {
			p.ArchivedMs = int64(i)
		}
		switch i % 4 {
		case 1:
			p.Draft = "not yet \"sent\"\n[1, ünï]"
		case 2:
			p.SystemPrompt = "be brief"
		case 3:
			p.ParentId, p.ParentSeq = fmt.Sprint("parent", i), int64(i)
		}
		must[*apiv1.Session](t)(s.CreateSession(t.Context(), p))
	}
	for _, archived := range []bool{false, true} {
		list := must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{Archived: archived})).Sessions
		if len(list) != 12 {
			t.Errorf("%d sessions", len(list))
		}
		for _, got := range list {
			if want := must[*apiv1.Session](t)(s.Session(t.Context(), got.Id)); !proto.Equal(got, want) {
				t.Errorf("listed as %v, is %v", got, want)
			}
		}
	}
}
