// Package tool is what a model may call.
//
// It promises that nothing is done without a grant for exactly that, that no symbolic link leads out of what was granted, that
// each change of a file can be taken back, and that a file's line ends stay what they are.
//
// Tools is the registry of what there is: ours, and those from outside. A Tool says how models are told of it, and has three
// steps: Prepare understands a call, Look shows what it would change, Do carries out what was granted. A Call is one call
// between the first step and the last, a Result what came of it.
//
// Read registry.go and tool.go, then one file for each tool: shell.go, read.go, edit.go with lineends.go, search.go with
// ignore.go, plan.go. names.go finds the file a model means, place.go opens it safely, walk.go tells what commands changed,
// restore.go takes changes back.
package tool
