// Package client speaks to a running host, starting one where there is none, and ends it.
//
// Promise: whoever has a Client has a host that answers, and every error of a call has words for people and an exit
// code. In reading order: client.go (a client of one socket), start.go (find a host or start one), errors.go, watch.go (what changes, again and again), stop.go.
package client
