package store

import apiv1 "github.com/openvibez/openvibez/host/api/v1"

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

// rule is one line of the table of run states.
type rule struct {
	// restart is the state the run has after the host came back.
	restart apiv1.RunState
	// cancel is the state it has right after a person cancelled it. The same state means that work has to be stopped
	// first: the run is marked and ends when it has stopped.
	cancel apiv1.RunState
	// next are the states it may go to.
	next []apiv1.RunState
}

// rules returns the table of run states: all that can happen to a run.
func rules() map[apiv1.RunState]rule {
	return map[apiv1.RunState]rule{
		queued:            {restart: queued, cancel: cancelled, next: []apiv1.RunState{running, failed, cancelled}},
		running:           {restart: interrupted, cancel: running, next: []apiv1.RunState{waitingApproval, waitingLimit, waitingBackground, paused, completed, failed, cancelled, interrupted}},
		waitingApproval:   {restart: interrupted, cancel: cancelled, next: []apiv1.RunState{running, completed, failed, cancelled, interrupted}},
		waitingLimit:      {restart: waitingLimit, cancel: cancelled, next: []apiv1.RunState{waitingLimit, running, failed, cancelled}},
		waitingBackground: {restart: waitingBackground, cancel: waitingBackground, next: []apiv1.RunState{waitingBackground, running, completed, failed, cancelled}},
		paused:            {restart: paused, cancel: cancelled, next: []apiv1.RunState{running, failed, cancelled}},
		completed:         {restart: completed, cancel: completed},
		failed:            {restart: failed, cancel: failed},
		cancelled:         {restart: cancelled, cancel: cancelled},
		interrupted:       {restart: interrupted, cancel: interrupted},
	}
}

// AfterRestart is the state of a run that was in state s when the host ended, once Recover has seen it.
func AfterRestart(s apiv1.RunState) apiv1.RunState { return rules()[s].restart }

// AfterCancel is the state of a run in state s right after RequestCancel. An unchanged state that is not final means
// that the run is marked, and ends when its work has been stopped.
func AfterCancel(s apiv1.RunState) apiv1.RunState { return rules()[s].cancel }

// Final says whether a run in state s has ended.
func Final(s apiv1.RunState) bool { return s >= completed && s <= interrupted }

// Allowed says whether a run may go from one state to another.
func Allowed(from, to apiv1.RunState) bool {
	for _, s := range rules()[from].next {
		if s == to {
			return true
		}
	}
	return false
}
