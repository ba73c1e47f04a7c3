package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/e2e/smalldisk"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// On a full disk the page can still be opened, and what is there be read and deleted.
func TestPageOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	smalldisk.Mount(t, dir, 48<<20)
	f := newFixtureIn(t, dir)
	f.start()
	made, err := f.sessions.CreateSession(t.Context(), &apiv1.CreateSessionRequest{Title: "to go"})
	if err != nil {
		t.Fatal(err)
	}
	go f.Store.Keep(t.Context())
	eventually(t, "the reserve", func() bool {
		info, err := os.Stat(filepath.Join(dir, "test.db.reserve"))
		return err == nil && info.Size() >= 4<<20
	})
	smalldisk.Fill(t, dir)
	b := f.browser(byBrowser)
	page := apiv1.NewSessionServiceClient(b.doer(), b.base)
	list, err := page.ListSessions(t.Context(), &apiv1.ListSessionsRequest{})
	if err != nil || len(list.Sessions) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := page.UpdateSession(t.Context(), &apiv1.UpdateSessionRequest{Id: made.Session.Id, Draft: new(strings.Repeat("a long draft ", 1<<16))}); err == nil {
		t.Error("the disk is not full")
	}
	if _, err := page.DeleteSession(t.Context(), &apiv1.DeleteSessionRequest{Id: made.Session.Id, Now: true}); err != nil {
		t.Errorf("deleting: %v", err)
	}
}
