// Package store keeps everything that must survive, and nothing else.
//
// It promises that what it has accepted is on the disk, that a change is whole or not there, that whoever reads sees one
// consistent state, and that a watcher misses nothing: every row has a revision from one counter, drawn in the transaction
// that changes it. It is the only package that knows SQLite. Rights never come out of a file (rights.go), and a full disk
// still lets people delete (reserve.go).
//
// The main types are Store, view (a state being read) and tx (a change being made). Files in reading order: store.go,
// open.go, migrate.go, tx.go, reader.go and kept.go (connections and statements); rows.go and body.go (what a row is);
// topics.go, changes.go and live.go (what is watched); sessions.go, send.go, queue.go, runs.go, states.go, journal.go, end.go
// (a message on its way); approvals.go, rules.go, workspaces.go, providers.go, models.go, settings.go, jobs.go, usage.go;
// search.go, search_query.go, search_hits.go; branch.go, export.go, markdown.go, import.go, deleted.go, undo.go; keep.go,
// wal.go, backup.go, restore.go, check.go (what is done from time to time).
package store
