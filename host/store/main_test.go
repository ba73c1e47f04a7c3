//go:build unix

package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// The test binary is also the process that tests kill and starve.
func TestMain(m *testing.M) {
	path := os.Getenv("STORE_TEST_PATH")
	switch os.Getenv("STORE_TEST_CHILD") {
	case "":
		os.Exit(m.Run())
	case "stream":
		exit(streamForever(path))
	case "file limit":
		exit(hitFileLimit(path))
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// piece is the n-th flush of every text that streamForever writes.
func piece(n int) string { return fmt.Sprintf("<%dü>", n) }

// streamForever sends, streams and ends until it is killed, and says on stdout what has been acknowledged.
func streamForever(path string) error {
	ctx := context.Background()
	s, err := Open(ctx, Config{Path: path})
	if err != nil {
		return err
	}
	if _, err := s.Recover(ctx); err != nil {
		return err
	}
	session := ""
	for i := 0; ; i++ {
		m := Send{SessionID: session, ClientRequestID: rand.Text(), Text: fmt.Sprint("message ", i)}
		p, run, created, err := s.Send(ctx, m)
		if err != nil || !created {
			return fmt.Errorf("send: %v, %w", created, err)
		}
		fmt.Println("sent", m.ClientRequestID, run.Id)
		if session = p.Id; i%7 == 6 {
			session = ""
		}
		if _, err := s.StartRun(ctx, run.Id); err != nil {
			return err
		}
		for n := range 30 {
			if err := s.AppendChunk(ctx, run.Id, apiv1.Chunk_KIND_TEXT, piece(n)); err != nil {
				return err
			}
			fmt.Println("text", run.Id, n)
		}
		if _, err := s.Append(ctx, run.Id, true, toolCall("call"), begun("call")); err != nil {
			return err
		}
		fmt.Println("call", run.Id)
		if i%5 == 4 {
			continue // The next run of the session waits for this one; Recover ends it.
		}
		if _, err := s.EndRun(ctx, run.Id, End{State: completed, Entries: []*apiv1.Entry{usageEntry(1, 2)}}); err != nil {
			return err
		}
		fmt.Println("end", run.Id)
	}
}

// hitFileLimit lets the file system refuse to let files grow, and then allows it again.
func hitFileLimit(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	s, err := Open(ctx, Config{Path: path})
	if err != nil {
		return err
	}
	limit := unix.Rlimit{Cur: 1 << 20, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	kept := 0
	for {
		_, _, _, err := s.Send(ctx, Send{ClientRequestID: fmt.Sprint(kept), Text: strings.Repeat("words ", 10000)})
		if err != nil {
			if !errors.Is(err, ErrIO) && !errors.Is(err, ErrDiskFull) {
				return fmt.Errorf("not in words: %w", err)
			}
			break
		}
		if kept++; kept > 1000 {
			return errors.New("the limit was never hit")
		}
	}
	limit.Cur = unix.RLIM_INFINITY
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if _, _, _, err := s.Send(ctx, Send{ClientRequestID: "after", Text: "there is room again"}); err != nil {
		return fmt.Errorf("after: %w", err)
	}
	list, err := s.ListSessions(ctx, &apiv1.ListSessionsRequest{Limit: 1000})
	if err != nil || len(list.Sessions) != kept+1 {
		return fmt.Errorf("%d sessions, want %d: %w", len(list.GetSessions()), kept+1, err)
	}
	return errors.Join(s.CheckInvariants(ctx), s.Close())
}
