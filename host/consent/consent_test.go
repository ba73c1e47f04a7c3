package consent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// desk gives one whose questions arrive on a channel; nil says that none is open any more.
func desk() (*Desk, chan *apiv1.Consent) {
	told := make(chan *apiv1.Consent, 100)
	return New(func(open *apiv1.Consent) { told <- open }), told
}

func ask(ctx context.Context, d *Desk, text string) chan error {
	done := make(chan error, 1)
	go func() { done <- d.Ask(ctx, text, "subject") }()
	return done
}

func TestFirstAnswerCounts(t *testing.T) {
	d, told := desk()
	for i, yes := range []bool{true, false} {
		done := ask(t.Context(), d, strings.Repeat("x", i+1))
		c := <-told
		if err := d.Answer("another", true); !errors.Is(err, ErrGone) {
			t.Errorf("an answer to nothing: %v", err)
		}
		if err := d.Answer(c.Id, yes); err != nil {
			t.Error(err)
		}
		if err := d.Answer(c.Id, !yes); !errors.Is(err, ErrGone) {
			t.Errorf("a second answer: %v", err)
		}
		if err := <-done; (err == nil) != yes || !yes && !errors.Is(err, ErrDenied) {
			t.Errorf("answered with %t: %v", yes, err)
		}
		if <-told != nil || d.Open() != nil {
			t.Error("the question is still open")
		}
	}
}

func TestNoPersonIsBuried(t *testing.T) {
	d, told := desk()
	done := ask(t.Context(), d, "first")
	c := <-told
	if err := d.Ask(t.Context(), "second", ""); !errors.Is(err, ErrBusy) {
		t.Errorf("a second question: %v", err)
	}
	if err := d.Answer(c.Id, false); err != nil {
		t.Fatal(err)
	}
	<-done
	if err := d.Ask(t.Context(), "first", "subject"); !errors.Is(err, ErrDenied) {
		t.Errorf("the same again: %v", err)
	}
}

func TestSilenceIsNo(t *testing.T) {
	d, told := desk()
	d.life = time.Millisecond
	if err := d.Ask(t.Context(), "text", ""); !errors.Is(err, ErrUnanswered) {
		t.Errorf("unanswered: %v", err)
	}
	<-told
	<-told
	d.life = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	done := ask(ctx, d, "text")
	<-told
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("whoever asked has gone: %v", err)
	}
	if <-told != nil {
		t.Error("the question is still open")
	}
}

func TestNothingHides(t *testing.T) {
	if got := shown("a\u202eb\x1b[2K\u200b\u2800\nc"); got != `a\u202eb\x1b[2K\u200b\u2800`+"\nc" {
		t.Errorf("%q", got)
	}
	if got := shown(strings.Repeat("x", 1<<20)); len(got) > 2*maxSubject || !strings.HasSuffix(got, "(there is more)") {
		t.Errorf("%d bytes", len(got))
	}
}
