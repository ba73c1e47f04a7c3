package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// TestWatchLosesAndRepeatsNothing reconnects again and again while others write.
func TestWatchLosesAndRepeatsNothing(t *testing.T) {
	f := start(t)
	const writers, each = 4, 40
	written := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := range each {
				if _, err := f.sessions.CreateSession(context.Background(), &apiv1.CreateSessionRequest{Title: fmt.Sprintf("%d.%d", w, i)}); err != nil {
					written <- err
					return
				}
			}
			written <- nil
		}()
	}
	seen := map[string]int{}
	after, last := int64(0), int64(0)
	for streams := 0; len(seen) < writers*each; streams++ {
		if streams > 10*writers*each {
			t.Fatalf("%d sessions of %d came", len(seen), writers*each)
		}
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := f.host.Watch(ctx, &apiv1.WatchRequest{AfterRev: after, Topics: []apiv1.Topic{apiv1.Topic_TOPIC_SESSIONS}})
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + streams%3 {
			if len(seen) == writers*each || !stream.Receive() {
				break
			}
			for _, change := range stream.Msg().Changes {
				s := change.GetSession()
				seen[s.Title]++
				if s.Rev <= last {
					t.Errorf("rev %d came behind rev %d", s.Rev, last)
				}
				last = s.Rev
			}
			if stream.Msg().Rev < last {
				t.Errorf("everything up to rev %d is said to be sent, and rev %d was", stream.Msg().Rev, last)
			}
			after = stream.Msg().Rev
		}
		cancel()
		_ = stream.Close()
	}
	for title, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", title, n)
		}
	}
	for range writers {
		if err := <-written; err != nil {
			t.Error(err)
		}
	}
}

func TestWatchIsPaced(t *testing.T) {
	f := start(t)
	stream, err := f.host.Watch(t.Context(), &apiv1.WatchRequest{Topics: []apiv1.Topic{apiv1.Topic_TOPIC_SETTINGS}})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	began := time.Now()
	const changes = 200
	go func() {
		for i := range changes {
			_, _ = f.Store.SetSetting(context.Background(), "window.n", fmt.Sprint(i+1))
		}
	}()
	responses, value := 0, ""
	for value != fmt.Sprint(changes) {
		if !stream.Receive() {
			t.Fatal(stream.Err())
		}
		responses++
		for _, c := range stream.Msg().Changes {
			value = c.GetSetting().ValueJson
		}
	}
	if most := int(time.Since(began)/watchPace) + watchBurst + 1; responses > most {
		t.Errorf("%d responses in %s, at most %d are allowed", responses, time.Since(began), most)
	}
}

func TestWatchShowsLife(t *testing.T) {
	f := newFixture(t)
	f.pulse = 10 * time.Millisecond
	f.start()
	stream, err := f.host.Watch(t.Context(), &apiv1.WatchRequest{AfterRev: 1 << 40, Topics: []apiv1.Topic{apiv1.Topic_TOPIC_RUNS}})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for range 4 {
		if !stream.Receive() {
			t.Fatal(stream.Err())
		}
		if len(stream.Msg().Changes) != 0 || stream.Msg().Rev > f.Store.Rev() {
			t.Errorf("a sign of life says %v", stream.Msg())
		}
	}
}

func TestWatchEndsWithHost(t *testing.T) {
	f := start(t)
	stream, err := f.host.Watch(t.Context(), &apiv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	var stopping sync.WaitGroup
	stopping.Go(f.stop)
	defer stopping.Wait()
	for stream.Receive() {
	}
	if code := connect.CodeOf(stream.Err()); code != connect.CodeUnavailable {
		t.Errorf("the stream ends with %v: %v", code, stream.Err())
	}
}

// TestWatchFiltersEntries sends messages in two sessions and watches one.
func TestWatchFiltersEntries(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if _, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo"}); err != nil {
		t.Fatal(err)
	}
	send := func(text string) *apiv1.Run {
		res, err := f.runs.Send(ctx, &apiv1.SendRequest{ClientRequestId: "r-" + text, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return res.Run
	}
	watched, other := send("one"), send("two")
	stream, err := f.host.Watch(ctx, &apiv1.WatchRequest{SessionId: watched.SessionId})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	ended := map[string]bool{}
	answer := ""
	for len(ended) < 2 || answer == "" {
		if !stream.Receive() {
			t.Fatal(stream.Err())
		}
		for _, c := range stream.Msg().Changes {
			if e := c.GetEntry(); e != nil && e.SessionId != watched.SessionId {
				t.Errorf("an entry of the other session came: %v", e)
			}
			if text := c.GetEntry().GetText().GetText(); text != "" {
				answer = text
			}
			if r := c.GetRun(); r.GetEndedMs() != 0 {
				ended[r.Id] = true
				if r.State != apiv1.RunState_RUN_STATE_COMPLETED {
					t.Errorf("run: %v", r)
				}
			}
		}
	}
	if answer != "3 bytes" || !ended[other.Id] {
		t.Errorf("answer %q, ended %v", answer, ended)
	}
}

// TestPageCallsBesideItsStream holds one stream and makes more calls at once than engines allow connections.
func TestPageCallsBesideItsStream(t *testing.T) {
	f := start(t)
	b := f.browser(byBrowser)
	page := apiv1.NewHostServiceClient(b.doer(), b.base)
	stream, err := page.Watch(t.Context(), &apiv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	errs := make(chan error)
	for range 12 {
		go func() {
			status, err := page.GetStatus(context.Background(), &apiv1.GetStatusRequest{})
			if err == nil && status.Host.GetPageUrl() != b.base+"/" {
				err = errors.New("the page is said to be at " + status.Host.GetPageUrl())
			}
			errs <- err
		}()
	}
	for range 12 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
