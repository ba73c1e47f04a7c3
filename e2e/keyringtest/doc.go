// Package keyringtest runs the real gnome-keyring on a session bus of its own, for tests.
package keyringtest
