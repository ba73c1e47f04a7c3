// Package local has the commands that work without a host: look at an installation, check a command line, run one in the sandbox, copy the database.
//
// Promise: doctor and policy check change nothing. In reading order: doctor.go, policy.go, sandbox.go, backup.go.
package local
