// Package sandbox runs granted commands, plugins and their programs, and nothing else.
//
// It promises:
//   - What runs was granted: the zero policy.Grant starts nothing, and a grant is used only on the directory that it was
//     given for.
//   - The kernel holds it, at the level that Report has tried from inside; a level is never lowered in silence.
//   - It ends with the host, however that ends, with all that it started.
//   - What a command moves to /tmp or its home is there for the next one of the conversation.
//
// Sandbox is the way in: Run takes a policy.Grant and gives a Result, StartPlugin takes a Plugin and gives a Process,
// StartProgram takes a Program and gives it Running. Each is described by a box.Spec, which the helper (package helper, a
// static program) carries out. In reading order:
//
//	sandbox.go           what there is
//	run.go               one command, from its grant to its result
//	show.go              what it sees of the system and of the person's tools
//	environment.go       its variables and caches
//	private.go           its /tmp and home
//	protect.go, find.go  what it can't change in a workspace: at the top, and deeper
//	start_linux.go       the helper, started and told what to do; child.go, bare.go, unconfined_linux.go
//	cgroup_linux.go      its limits, where the kernel holds them
//	proxy*.go, address.go  its way to granted hosts
//	output.go            what it printed
//	plugin.go, program.go  the other two that run here
//	report_linux.go      what the walls are worth on this machine
package sandbox
