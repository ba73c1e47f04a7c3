// Package sqlite stands in for the driver that github.com/glebarez/sqlite builds on: an old copy of modernc.org/sqlite,
// which compiles a prepared statement anew each time. This is the original, over the same SQLite.
package sqlite

import "modernc.org/sqlite"

// Error is what SQLite says.
type Error = sqlite.Error
