package store

import (
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// Each cell of the table of run states, written out a second time.
func TestStates(t *testing.T) {
	type cells struct{ restart, cancel apiv1.RunState }
	want := map[apiv1.RunState]cells{
		queued:            {queued, cancelled},
		running:           {interrupted, running},
		waitingApproval:   {interrupted, cancelled},
		waitingLimit:      {waitingLimit, cancelled},
		waitingBackground: {waitingBackground, waitingBackground},
		paused:            {paused, cancelled},
		completed:         {completed, completed},
		failed:            {failed, failed},
		cancelled:         {cancelled, cancelled},
		interrupted:       {interrupted, interrupted},
	}
	// A row for each state it may come from, a column for each it may go to.
	moves := map[apiv1.RunState]string{
		//                  qralbpcfxi
		queued:            "-r-----fx-",
		running:           "--albpcfxi",
		waitingApproval:   "-ra---cfxi",
		waitingLimit:      "-r-l---fx-",
		waitingBackground: "----b-cfx-",
		paused:            "-r-----fx-",
		completed:         "----------",
		failed:            "----------",
		cancelled:         "----------",
		interrupted:       "----------",
	}
	for i := range apiv1.RunState_name {
		from := apiv1.RunState(i)
		if from == apiv1.RunState_RUN_STATE_UNSPECIFIED {
			continue
		}
		c, ok := want[from]
		if !ok {
			t.Fatalf("state %v is not in the table", from)
		}
		if got := AfterRestart(from); got != c.restart {
			t.Errorf("%v after a restart: %v, want %v", from, got, c.restart)
		}
		if got := AfterCancel(from); got != c.cancel {
			t.Errorf("%v after a cancel: %v, want %v", from, got, c.cancel)
		}
		if got, want := Final(from), from >= completed; got != want {
			t.Errorf("%v final: %v", from, got)
		}
		for to := queued; to <= interrupted; to++ {
			if got, want := Allowed(from, to), moves[from][to-1] != '-'; got != want {
				t.Errorf("%v to %v: %v, want %v", from, to, got, want)
			}
		}
		if Final(AfterCancel(from)) != (AfterCancel(from) == cancelled || Final(from)) {
			t.Errorf("%v: cancelling leads to %v", from, AfterCancel(from))
		}
	}
	for _, none := range []apiv1.RunState{-1, 0, 11} {
		if Final(none) || AfterRestart(none) != 0 || AfterCancel(none) != 0 || Allowed(none, running) || stateName(none) != "in no state" {
			t.Errorf("state %d is one", none)
		}
	}
}
