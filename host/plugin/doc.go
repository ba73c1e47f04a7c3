// Package plugin installs plugins, starts them in the sandbox and watches over their processes.
//
// It promises that a program is started only as it was installed, that it can do only what was agreed to, that a process
// that dies, hangs or floods takes nothing else with it, and that every turn has exactly one end.
//
// [Manager] knows what is installed and runs it; [Call] is a plugin in use and [Turn] one answer on its way. In reading
// order: manager.go, discover.go, plugin.go, process.go, runner.go, call.go, turn.go, describe.go, backoff.go, confine.go;
// then packages: package.go, install.go, installed.go, lock.go, trust.go.
package plugin
