// Package cli is the command line as a client of the API: what it can do, any other client can.
//
// Promise: it knows nothing that the API does not tell; what it prints with --json is what the API said. In reading
// order: commands.go (what there is), ask.go, follow.go and the files named after it (an answer as it comes), then one
// file for each group of commands.
package cli
