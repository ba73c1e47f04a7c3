package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/openvibez/openvibez/e2e/smalldisk"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// smallDisk mounts a file system of so many bytes.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	smalldisk.Mount(t, dir, bytes)
	return dir
}

// On a full disk everything is refused in words and nothing that was acknowledged is lost; with room it goes on.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, 8<<20)
	path := filepath.Join(dir, "db")
	s := openAt(t, path)
	answered(t, s, "", "before", "an answer")
	run := started(t, s, "", "streaming")
	chunk(t, s, run.Id, "so far")
	filler := smalldisk.Fill(t, dir)

	acknowledged := 0
	var err error
	for acknowledged = 0; err == nil; acknowledged++ {
		_, _, _, err = s.Send(t.Context(), Send{ClientRequestID: fmt.Sprint("full ", acknowledged), Text: strings.Repeat("many words ", 5000)})
	}
	acknowledged--
	wantErr(t, err, ErrDiskFull, path, "free some space")
	text := ""
	for err = nil; err == nil; {
		if err = s.AppendChunk(t.Context(), run.Id, apiv1.Chunk_KIND_TEXT, strings.Repeat("more ", 1000)); err == nil {
			text += strings.Repeat("more ", 1000)
		}
	}
	wantErr(t, err, ErrDiskFull)
	_, err = s.EndRun(t.Context(), run.Id, End{State: completed, Entries: []*apiv1.Entry{{Body: &apiv1.Entry_Text{Text: &apiv1.ModelText{Text: strings.Repeat("end ", 100000)}}}}})
	wantErr(t, err, ErrDiskFull)
	_, _, err = s.Backup(t.Context(), "")
	wantErr(t, err, ErrDiskFull)
	if got := must[*apiv1.Run](t)(s.Run(t.Context(), run.Id)); got.State != running {
		t.Errorf("the run is %v", got.State)
	}
	if list := must[*apiv1.ListSessionsResponse](t)(s.ListSessions(t.Context(), &apiv1.ListSessionsRequest{})); len(list.Sessions) != 2+acknowledged {
		t.Errorf("%d sessions, %d were acknowledged", len(list.Sessions), 2+acknowledged)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	chunk(t, s, run.Id, "and on")
	must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: completed}))
	if _, run, created, err := s.Send(t.Context(), Send{ClientRequestID: fmt.Sprint("full ", acknowledged), Text: strings.Repeat("many words ", 5000)}); err != nil || !created {
		t.Errorf("sent again: %v %v %v", run, created, err)
	}
	if got := texts(journal(t, s, run.SessionId)); got[1] != "so far"+text+"and on" {
		t.Errorf("the text is not whole: %d bytes, want %d", len(got[1]), len("so far"+text+"and on"))
	}
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openAt(t, path).CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}

// A file system that becomes read-only refuses in words; when it can be written again, everything goes on.
func TestRemountedReadOnly(t *testing.T) {
	dir := smallDisk(t, 32<<20)
	path := filepath.Join(dir, "db")
	s := openAt(t, path)
	run := started(t, s, "", "before")
	remount := func(flags uintptr) error { return unix.Mount("", dir, "", unix.MS_REMOUNT|flags, "") }
	// Files open for writing keep a file system writable; the kernel refuses then, as a real disk's error would not.
	if err := remount(unix.MS_RDONLY); err != nil {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := remount(unix.MS_RDONLY); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), Config{Path: path})
		wantErr(t, err, ErrReadOnly, path)
		if err := remount(0); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, path)
	}
	send(t, s, run.SessionId, "after")
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}

// Where nothing fits any more conversations can still be deleted, also by a host that starts on the full disk; what is kept
// in reserve for that is there again once there is room.
func TestDeletingOnAFullDisk(t *testing.T) {
	dir := smallDisk(t, reserveRoom+(8<<20))
	path := filepath.Join(dir, "db")
	s := openAt(t, path)
	var ids []string
	for range 3 {
		ids = append(ids, answered(t, s, "", "some words", strings.Repeat("an answer ", 10000)).SessionId)
	}
	s.keepReserve()
	if size := fileSize(reservePath(s.path)); size != reserveSize {
		t.Fatalf("%d bytes are kept in reserve", size)
	}
	s.emptyLog()
	filler := smalldisk.Fill(t, dir)
	_, _, _, err := s.Send(t.Context(), Send{ClientRequestID: "full", Text: strings.Repeat("many words ", 5000)})
	wantErr(t, err, ErrDiskFull)
	if _, err := s.DeleteSession(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.PurgeSession(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	if n := fileSize(reservePath(s.path)); n != 0 {
		t.Errorf("%d bytes are still in reserve", n)
	}
	s.keepReserve()
	if n := fileSize(reservePath(s.path)); n != 0 {
		t.Errorf("the reserve took %d bytes of a full disk", n)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.keepReserve()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	smalldisk.Fill(t, dir)
	s = openAt(t, path)
	if err := s.PurgeSession(t.Context(), ids[1]); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckInvariants(t.Context()); err != nil {
		t.Error(err)
	}
}
