-- Times are Unix milliseconds, 0 where it has not happened. Every row that a watcher may see carries rev, drawn from
-- the one counter below inside the transaction that changes it, no two rows the same; bodies named *_json are protojson.

CREATE TABLE revision (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    rev INTEGER NOT NULL
) STRICT;
INSERT INTO revision (id, rev) VALUES (1, 0);

CREATE TABLE settings (
    key        TEXT PRIMARY KEY,
    value_json TEXT NOT NULL,
    rev        INTEGER NOT NULL
) STRICT;
CREATE INDEX settings_rev ON settings (rev);

CREATE TABLE providers (
    id            TEXT PRIMARY KEY,
    plugin        TEXT NOT NULL,
    name          TEXT NOT NULL UNIQUE COLLATE NOCASE,
    base_url      TEXT NOT NULL DEFAULT '',
    settings_json TEXT NOT NULL DEFAULT '',
    key_source    TEXT NOT NULL DEFAULT '',
    default_model TEXT NOT NULL DEFAULT '',
    is_default    INTEGER NOT NULL DEFAULT 0,
    canned        INTEGER NOT NULL DEFAULT 0,
    error_json    TEXT NOT NULL DEFAULT '',
    checked_ms    INTEGER NOT NULL DEFAULT 0,
    created_ms    INTEGER NOT NULL,
    rev           INTEGER NOT NULL
) STRICT;
CREATE INDEX providers_rev ON providers (rev);
CREATE UNIQUE INDEX providers_default ON providers (is_default) WHERE is_default = 1;

-- A model that its provider no longer lists is kept, vanished, while a session names it.
CREATE TABLE models (
    provider_id TEXT NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    id          TEXT NOT NULL,
    position    INTEGER NOT NULL,
    model_json  TEXT NOT NULL,
    vanished    INTEGER NOT NULL DEFAULT 0,
    rev         INTEGER NOT NULL,
    PRIMARY KEY (provider_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX models_rev ON models (rev);

CREATE TABLE workspaces (
    id            TEXT PRIMARY KEY,
    path          TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    device        INTEGER NOT NULL,
    inode         INTEGER NOT NULL,
    trust         TEXT NOT NULL CHECK (trust IN ('trusted', 'read_only', 'untrusted')),
    system_prompt TEXT NOT NULL DEFAULT '',
    created_ms    INTEGER NOT NULL,
    rev           INTEGER NOT NULL
) STRICT;
CREATE INDEX workspaces_rev ON workspaces (rev);

CREATE TABLE sessions (
    id            TEXT PRIMARY KEY,
    title         TEXT NOT NULL,
    titled        INTEGER NOT NULL DEFAULT 0,
    workspace_id  TEXT REFERENCES workspaces (id) ON DELETE SET NULL,
    -- No foreign key: a session keeps naming a provider that is gone.
    provider_id   TEXT NOT NULL DEFAULT '',
    model         TEXT NOT NULL DEFAULT '',
    system_prompt TEXT NOT NULL DEFAULT '',
    access_mode   INTEGER NOT NULL DEFAULT 2,
    pinned        INTEGER NOT NULL DEFAULT 0,
    archived_ms   INTEGER NOT NULL DEFAULT 0,
    parent_id     TEXT NOT NULL DEFAULT '',
    parent_seq    INTEGER NOT NULL DEFAULT 0,
    draft         TEXT NOT NULL DEFAULT '',
    last_seq      INTEGER NOT NULL DEFAULT 0,
    created_ms    INTEGER NOT NULL,
    active_ms     INTEGER NOT NULL,
    rev           INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_rev ON sessions (rev);
CREATE INDEX sessions_order ON sessions (pinned DESC, active_ms DESC, id) WHERE archived_ms = 0;

CREATE TABLE runs (
    id                TEXT PRIMARY KEY,
    session_id        TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    client_request_id TEXT NOT NULL,
    -- SHA-256 of what was asked for: the same id with other content is refused.
    request_hash      BLOB NOT NULL,
    state             INTEGER NOT NULL CHECK (state BETWEEN 1 AND 10),
    provider_id       TEXT NOT NULL,
    model             TEXT NOT NULL,
    options_json      TEXT NOT NULL DEFAULT '',
    replaces_run_id   TEXT NOT NULL DEFAULT '',
    queue_order       INTEGER NOT NULL,
    user_seq          INTEGER NOT NULL,
    last_seq          INTEGER NOT NULL,
    status            TEXT NOT NULL DEFAULT '',
    cancel_requested  INTEGER NOT NULL DEFAULT 0,
    resume_ms         INTEGER NOT NULL DEFAULT 0,
    attempts          INTEGER NOT NULL DEFAULT 0,
    error_json        TEXT NOT NULL DEFAULT '',
    request_id        TEXT NOT NULL DEFAULT '',
    response_id       TEXT NOT NULL DEFAULT '',
    finish_reason     INTEGER NOT NULL DEFAULT 0,
    created_ms        INTEGER NOT NULL,
    started_ms        INTEGER NOT NULL DEFAULT 0,
    updated_ms        INTEGER NOT NULL,
    ended_ms          INTEGER NOT NULL DEFAULT 0,
    rev               INTEGER NOT NULL,
    UNIQUE (session_id, client_request_id),
    UNIQUE (session_id, queue_order)
) STRICT;
CREATE INDEX runs_rev ON runs (rev);
-- A message that began a session is found again by its request id alone.
CREATE INDEX runs_request ON runs (client_request_id);
CREATE INDEX runs_open ON runs (session_id, queue_order) WHERE ended_ms = 0;
-- At most one run of a session is under way.
CREATE UNIQUE INDEX runs_active ON runs (session_id) WHERE state BETWEEN 2 AND 6;

-- The journal. seq and last_seq are the sequence numbers an entry stands for; with the open chunks they leave no gap.
CREATE TABLE entries (
    id         INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL CHECK (last_seq >= seq),
    run_id     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    -- Field number of the body in Entry.
    kind       INTEGER NOT NULL,
    entry_json TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    rev        INTEGER NOT NULL,
    UNIQUE (session_id, seq)
) STRICT;
CREATE INDEX entries_rev ON entries (session_id, rev);
CREATE INDEX entries_run ON entries (run_id, seq);

-- Text still being written, one row a flush; replaced by one entry when the part ends. In a session, rev grows with seq.
CREATE TABLE chunks (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    run_id     TEXT NOT NULL,
    -- 1 text, 2 thought
    kind       INTEGER NOT NULL,
    -- Bytes of the same part before this chunk; 0 begins a part.
    start      INTEGER NOT NULL,
    text       TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    rev        INTEGER NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
    id            TEXT PRIMARY KEY,
    session_id    TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    run_id        TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 4),
    question_json TEXT NOT NULL,
    reason        TEXT NOT NULL DEFAULT '',
    profile       TEXT NOT NULL DEFAULT '',
    decision_json TEXT NOT NULL DEFAULT '',
    created_ms    INTEGER NOT NULL,
    expires_ms    INTEGER NOT NULL DEFAULT 0,
    rev           INTEGER NOT NULL
) STRICT;
CREATE INDEX approvals_rev ON approvals (rev);
CREATE INDEX approvals_run ON approvals (run_id, state);
CREATE INDEX approvals_session ON approvals (session_id);

CREATE TABLE jobs (
    id           TEXT PRIMARY KEY,
    run_id       TEXT NOT NULL UNIQUE REFERENCES runs (id) ON DELETE CASCADE,
    session_id   TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    provider_id  TEXT NOT NULL,
    handle       TEXT NOT NULL,
    next_poll_ms INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    error_json   TEXT NOT NULL DEFAULT '',
    created_ms   INTEGER NOT NULL,
    ended_ms     INTEGER NOT NULL DEFAULT 0,
    rev          INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_rev ON jobs (rev);
CREATE INDEX jobs_session ON jobs (session_id);

-- What a call of a model consumed; outlives the session it was for.
CREATE TABLE usage (
    run_id              TEXT NOT NULL,
    call                INTEGER NOT NULL,
    session_id          TEXT NOT NULL,
    provider_id         TEXT NOT NULL,
    model               TEXT NOT NULL,
    input_tokens        INTEGER NOT NULL,
    output_tokens       INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    reasoning_tokens    INTEGER NOT NULL,
    estimated           INTEGER NOT NULL,
    created_ms          INTEGER NOT NULL,
    PRIMARY KEY (run_id, call)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_time ON usage (created_ms);

CREATE TABLE tombstones (
    topic      INTEGER NOT NULL,
    id         TEXT NOT NULL,
    session_id TEXT NOT NULL DEFAULT '',
    rev        INTEGER NOT NULL,
    PRIMARY KEY (topic, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_rev ON tombstones (rev);

-- Final text of people and models, kept in step with entries by the triggers.
CREATE VIEW entry_text (id, text) AS
    SELECT id, coalesce(json_extract(entry_json, '$.user.text'), json_extract(entry_json, '$.text.text'), '')
    FROM entries WHERE kind IN (10, 11);
CREATE VIRTUAL TABLE search USING fts5 (text, content='entry_text', content_rowid='id', prefix='3', tokenize='unicode61 remove_diacritics 2');
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER search_insert AFTER INSERT ON entries WHEN new.kind IN (10, 11) BEGIN
    INSERT INTO search (rowid, text)
    VALUES (new.id, coalesce(json_extract(new.entry_json, '$.user.text'), json_extract(new.entry_json, '$.text.text'), ''));
END;
CREATE TRIGGER search_delete AFTER DELETE ON entries WHEN old.kind IN (10, 11) BEGIN
    INSERT INTO search (search, rowid, text)
    VALUES ('delete', old.id, coalesce(json_extract(old.entry_json, '$.user.text'), json_extract(old.entry_json, '$.text.text'), ''));
END;
CREATE TRIGGER search_update AFTER UPDATE OF entry_json ON entries WHEN old.kind IN (10, 11) BEGIN
    INSERT INTO search (search, rowid, text)
    VALUES ('delete', old.id, coalesce(json_extract(old.entry_json, '$.user.text'), json_extract(old.entry_json, '$.text.text'), ''));
    INSERT INTO search (rowid, text)
    VALUES (new.id, coalesce(json_extract(new.entry_json, '$.user.text'), json_extract(new.entry_json, '$.text.text'), ''));
END;
