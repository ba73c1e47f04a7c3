//go:build !linux

package main

// probes are for Linux: elsewhere nothing holds them.
var probes map[string]func(aim string) error
