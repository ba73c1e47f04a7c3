package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// smallDisk mounts a file system of so many bytes.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID, fmt.Sprintf("size=%d,mode=0700", bytes)); err != nil {
		t.Skipf("mounts a small file system: run this test as root (%v)", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// fill uses up a disk and gives the file that does it.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 16, 512} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	return path
}

// On a full disk everything is refused in words and nothing that was acknowledged is lost; with room it goes on.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, 8<<20)
	path := filepath.Join(dir, "db")
	s := openAt(t, path)
	answered(t, s, "", "before", "an answer")
	run := started(t, s, "", "streaming")
	chunk(t, s, run.Id, "so far")
	filler := fill(t, dir)

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
