-- What does not live here but is to be watched: plugins, the host. A starting host replaces what an earlier one left.
CREATE TABLE live (
    topic     INTEGER NOT NULL,
    id        TEXT NOT NULL,
    body_json TEXT NOT NULL,
    rev       INTEGER NOT NULL,
    PRIMARY KEY (topic, id)
) STRICT, WITHOUT ROWID;
