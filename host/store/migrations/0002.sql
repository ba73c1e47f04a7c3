-- A deleted session is hidden at once and removed a little later.
ALTER TABLE sessions ADD COLUMN deleted_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sessions_deleted ON sessions (deleted_ms) WHERE deleted_ms <> 0;
DROP INDEX sessions_order;
CREATE INDEX sessions_order ON sessions (pinned DESC, active_ms DESC, id) WHERE archived_ms = 0 AND deleted_ms = 0;

CREATE INDEX sessions_workspace ON sessions (workspace_id) WHERE workspace_id IS NOT NULL;

ALTER TABLE runs ADD COLUMN continues_run_id TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN pause_requested INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN context_used INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN context_size INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_linked ON runs (session_id) WHERE replaces_run_id <> '' OR continues_run_id <> '';

ALTER TABLE workspaces ADD COLUMN run_unknown INTEGER NOT NULL DEFAULT 0;
-- When the directory was made, in nanoseconds; 0 where the file system does not know.
ALTER TABLE workspaces ADD COLUMN born_ns INTEGER NOT NULL DEFAULT 0;

-- What may be done without asking: commands that begin with the words of prefix_json, or reaching a host.
CREATE TABLE rules (
    id           TEXT PRIMARY KEY,
    -- NULL: of a session that is in no workspace.
    workspace_id TEXT REFERENCES workspaces (id) ON DELETE CASCADE,
    -- NULL: every session of the workspace.
    session_id   TEXT REFERENCES sessions (id) ON DELETE CASCADE,
    prefix_json  TEXT NOT NULL DEFAULT '',
    domain       TEXT NOT NULL DEFAULT '',
    origin       TEXT NOT NULL DEFAULT '',
    created_ms   INTEGER NOT NULL,
    used_ms      INTEGER NOT NULL DEFAULT 0,
    uses         INTEGER NOT NULL DEFAULT 0,
    rev          INTEGER NOT NULL,
    CHECK ((prefix_json = '') <> (domain = '')),
    CHECK (workspace_id IS NOT NULL OR session_id IS NOT NULL)
) STRICT;
CREATE INDEX rules_rev ON rules (rev);
CREATE INDEX rules_workspace ON rules (workspace_id);
CREATE INDEX rules_session ON rules (session_id);
-- Calls of tools, for what a rule would have covered.
CREATE INDEX entries_calls ON entries (session_id, id) WHERE kind = 16;

-- What a tool's change of a file replaced, for putting it back; belongs to the file change at seq.
CREATE TABLE undo (
    session_id  TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    seq         INTEGER NOT NULL,
    path        TEXT NOT NULL,
    -- NULL: there was no file.
    before      BLOB,
    mode        INTEGER NOT NULL,
    -- SHA-256 of what the tool left there; NULL: it left no file.
    after_hash  BLOB,
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;

-- The questions that wait; few of all that were ever asked.
CREATE INDEX approvals_pending ON approvals (created_ms) WHERE state = 1;
ALTER TABLE approvals ADD COLUMN call_id TEXT NOT NULL DEFAULT '';
-- The rest of an Approval that a person is shown.
ALTER TABLE approvals ADD COLUMN facts_json TEXT NOT NULL DEFAULT '';

-- Entries of a branch or an import came later than their time says; what they consumed is counted elsewhere.
ALTER TABLE entries ADD COLUMN copied INTEGER NOT NULL DEFAULT 0;
-- Searching in a span of time.
CREATE INDEX entries_time ON entries (created_ms) WHERE kind IN (10, 11) AND copied = 0;
CREATE INDEX entries_copied ON entries (id) WHERE copied <> 0;

-- Beginnings of four letters are looked up as fast as those of three; longer ones by the words they begin.
DROP TABLE search;
CREATE VIRTUAL TABLE search USING fts5 (text, content='entry_text', content_rowid='id', prefix='3 4', tokenize='unicode61 remove_diacritics 2');
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
INSERT INTO search (search) VALUES ('rebuild');
CREATE VIRTUAL TABLE search_words USING fts5vocab (search, instance);
