package store

import (
	"slices"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const (
	queued            = apiv1.RunState_RUN_STATE_QUEUED
	running           = apiv1.RunState_RUN_STATE_RUNNING
	waitingApproval   = apiv1.RunState_RUN_STATE_WAITING_APPROVAL
	waitingLimit      = apiv1.RunState_RUN_STATE_WAITING_LIMIT
	waitingBackground = apiv1.RunState_RUN_STATE_WAITING_BACKGROUND
	paused            = apiv1.RunState_RUN_STATE_PAUSED
	completed         = apiv1.RunState_RUN_STATE_COMPLETED
	failed            = apiv1.RunState_RUN_STATE_FAILED
	cancelled         = apiv1.RunState_RUN_STATE_CANCELLED
	interrupted       = apiv1.RunState_RUN_STATE_INTERRUPTED
)

// stateRule is one line of the table of run states.
type stateRule struct {
	// restart is the state the run has after the host came back.
	restart apiv1.RunState
	// cancel is the state it has right after a person cancelled it. The same state means that work has to be stopped
	// first: the run is marked, and ends when it has stopped.
	cancel apiv1.RunState
	// next are the states it may go to.
	next []apiv1.RunState
}

// states is all that can happen to a run, indexed by its state.
var states = [...]stateRule{
	queued:            {queued, cancelled, []apiv1.RunState{running, failed, cancelled}},
	running:           {interrupted, running, []apiv1.RunState{waitingApproval, waitingLimit, waitingBackground, paused, completed, failed, cancelled, interrupted}},
	waitingApproval:   {interrupted, cancelled, []apiv1.RunState{waitingApproval, running, completed, failed, cancelled, interrupted}},
	waitingLimit:      {waitingLimit, cancelled, []apiv1.RunState{waitingLimit, running, failed, cancelled}},
	waitingBackground: {waitingBackground, waitingBackground, []apiv1.RunState{waitingBackground, completed, failed, cancelled}},
	paused:            {paused, cancelled, []apiv1.RunState{running, failed, cancelled}},
	completed:         {completed, completed, nil},
	failed:            {failed, failed, nil},
	cancelled:         {cancelled, cancelled, nil},
	interrupted:       {interrupted, interrupted, nil},
}

func ruleOf(s apiv1.RunState) stateRule {
	if s < 0 || int(s) >= len(states) {
		return stateRule{}
	}
	return states[s]
}

// AfterRestart is the state of a run that was in state s when the host ended, once Recover has seen it.
func AfterRestart(s apiv1.RunState) apiv1.RunState { return ruleOf(s).restart }

// AfterCancel is the state of a run in state s right after RequestCancel. An unchanged state that is not final means
// that the run is marked, and ends when its work has been stopped.
func AfterCancel(s apiv1.RunState) apiv1.RunState { return ruleOf(s).cancel }

// Final says whether a run in state s has ended.
func Final(s apiv1.RunState) bool { return s >= completed && s <= interrupted }

// Allowed says whether a run may go from one state to the other.
func Allowed(from, to apiv1.RunState) bool { return slices.Contains(ruleOf(from).next, to) }

// stateName is how people call a state.
func stateName(s apiv1.RunState) string {
	names := [...]string{
		"in no state", "queued", "running", "waiting for approval", "waiting for a limit", "waiting in the background",
		"paused", "completed", "failed", "cancelled", "interrupted",
	}
	if s < 0 || int(s) >= len(names) {
		return names[0]
	}
	return names[s]
}
