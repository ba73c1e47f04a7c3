//go:build race

package store

// raced says that the race detector is on, with which the database takes ten times as long.
const raced = true
