// Package textcalls lets models call tools that have no tools of their own: by lines of text.
//
// It promises that a line of the protocol is never shown as text and text never taken for a line, however the answer is cut
// into pieces, and that a call is never carried out after a line that could not be read. It does no I/O.
//
// Filter takes the lines out of one turn's answer and makes of them the events that other models send. Tools, Plans and Calls
// put what the host knows into words for the next request. Read protocol.md, what the model is told, then words.go,
// filter.go, head.go, value.go and end.go.
package textcalls
