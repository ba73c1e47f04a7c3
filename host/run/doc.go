// Package run carries one message to its answer.
//
// It promises that a message accepted is answered or ends with a reason that a person is told; that a run has one end; that
// nothing is carried out which policy did not grant, and nothing twice; that what happens is in the journal before its effect;
// and that a full disk makes a run wait, never fail.
//
// Engine is what others call: Send, Cancel, Decide, Retry, Continue, Pause, DeleteSession. It keeps one worker for each session
// that has something to do. An execution is one run under way: it reads through the desk, which all share, and writes only
// through its writer. A workplace is where a session's tools work now, a refusal why a call is not carried out.
//
// Read engine.go and send.go (what is accepted), queue.go (the workers), execute.go and turn.go (the loop around the model),
// request.go and fit.go (what the model is sent), summary.go (compaction), retry.go, pause.go and background.go (waiting),
// tools.go, workplace.go and approve.go (calls of tools), writer.go and disk.go (what the disk does not take). Package
// textcalls has the calls of models that have no tools of their own.
package run
