// Package server lets the window, the tray and the command line speak to the host, and nobody else.
//
// It promises that what a caller may do depends on the way it came: the page on loopback may do less than the unix socket;
// that a handler looks who asks, calls one function and gives its error a code; and that a change goes on to its end when
// its caller hangs up.
//
// The main types are Server, api (all services, for one way of coming) and page. Files in reading order: server.go,
// socket.go, guard.go, auth.go and page.go (who may come), errors.go and finish.go (what every call gets), watch.go and
// live.go (what callers hear), rest.go (when nothing goes on), check.go (what may come in); then the services: sessions.go,
// runs.go, workspaces.go, access.go, providers.go, models.go, plugins.go, search.go, files.go, host.go, window.go, open.go.
package server
