package main

import "runtime/debug"

// rest gives memory back: what a start, an answer or a window needed is not kept for the next one.
func (h *host) rest() {
	debug.FreeOSMemory()
	if err := forgetProgram(); err != nil {
		h.log.Debug("give the program's pages back", "error", err)
	}
}
