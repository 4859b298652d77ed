-- Sources, runs, records and everything else that is not sealed. Times are whole milliseconds since 1970, ids their text.

CREATE TABLE sources (
    id               TEXT PRIMARY KEY,
    owner            TEXT NOT NULL,
    connector        TEXT NOT NULL,
    name             TEXT NOT NULL,
    mode             TEXT NOT NULL,
    settings         TEXT NOT NULL,
    expected_account TEXT,
    identity         TEXT NOT NULL,
    paused           INTEGER NOT NULL,
    interval_seconds INTEGER,
    next_due_at      INTEGER,
    failures         INTEGER NOT NULL,
    connector_digest TEXT,
    created_at       INTEGER NOT NULL,
    last_success_at  INTEGER,
    ever_collected   INTEGER NOT NULL,
    removed          INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX sources_due ON sources (next_due_at) WHERE next_due_at IS NOT NULL AND paused = 0 AND removed = 0;

CREATE TABLE cursors (
    source TEXT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    stream TEXT NOT NULL,
    state  TEXT NOT NULL,
    PRIMARY KEY (source, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    n          INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    source     TEXT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    cause      TEXT NOT NULL,
    state      TEXT NOT NULL,
    queued_for INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER,
    outcome    TEXT,
    emitted    INTEGER NOT NULL,
    added      INTEGER NOT NULL,
    changed    INTEGER NOT NULL,
    unchanged  INTEGER NOT NULL,
    deleted    INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    detail     TEXT,
    retry_of   TEXT
) STRICT;

CREATE INDEX runs_of ON runs (source, n);
-- The admission of a run: one that is not over per source, whoever asks.
CREATE UNIQUE INDEX runs_unfinished ON runs (source) WHERE ended_at IS NULL;
CREATE INDEX runs_queued ON runs (queued_for) WHERE queued_for IS NOT NULL;

CREATE TABLE timeline (
    run   INTEGER NOT NULL REFERENCES runs (n) ON DELETE CASCADE,
    seq   INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    state TEXT NOT NULL,
    event TEXT NOT NULL,
    note  TEXT,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_stderr (
    run  INTEGER PRIMARY KEY REFERENCES runs (n) ON DELETE CASCADE,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE rejected_records (
    run    INTEGER NOT NULL REFERENCES runs (n) ON DELETE CASCADE,
    seq    INTEGER NOT NULL,
    stream TEXT NOT NULL,
    key    TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    data   TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE interactions (
    id          TEXT PRIMARY KEY,
    source      TEXT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    run         TEXT,
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    message     TEXT NOT NULL,
    schema      TEXT,
    asked_at    INTEGER NOT NULL,
    deadline    INTEGER,
    answered_at INTEGER,
    data        TEXT
) STRICT;

CREATE UNIQUE INDEX interactions_open ON interactions (source) WHERE state = 'open';
CREATE INDEX interactions_of ON interactions (source);

-- One row per stream of a source, with counts kept by the transactions that change its records.
CREATE TABLE streams (
    id            INTEGER PRIMARY KEY,
    source        TEXT NOT NULL REFERENCES sources (id),
    name          TEXT NOT NULL,
    count         INTEGER NOT NULL DEFAULT 0,
    bytes         INTEGER NOT NULL DEFAULT 0,
    history_count INTEGER NOT NULL DEFAULT 0,
    UNIQUE (source, name)
) STRICT;

-- The latest version of each record; no data means it was deleted. Rows are appended in the order of arrival, and only the two
-- narrow indexes are written out of order, which is what keeps ingest flat as a stream grows.
CREATE TABLE records (
    id         INTEGER PRIMARY KEY,
    stream     INTEGER NOT NULL,
    key        TEXT NOT NULL,
    version    INTEGER NOT NULL,
    run        INTEGER NOT NULL,
    emitted_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    data       TEXT
) STRICT;

CREATE UNIQUE INDEX records_key ON records (stream, key);
CREATE INDEX records_newest ON records (stream, emitted_at) WHERE data IS NOT NULL;

-- The versions before the latest. A version is written here when the next one replaces it, so that no value is stored twice.
CREATE TABLE record_versions (
    record     INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    run        INTEGER NOT NULL,
    emitted_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    data       TEXT,
    PRIMARY KEY (record, version)
) STRICT, WITHOUT ROWID;

-- Batches of a run whose account has not been seen yet.
CREATE TABLE held_records (
    n          INTEGER PRIMARY KEY,
    run        INTEGER NOT NULL REFERENCES runs (n) ON DELETE CASCADE,
    stream     TEXT NOT NULL,
    key        TEXT NOT NULL,
    emitted_at INTEGER NOT NULL,
    data       TEXT
) STRICT;

CREATE INDEX held_records_of ON held_records (run);

-- A row is made before its file and goes after it, so that every file has a row and a crash leaves nothing unknown behind.
CREATE TABLE blobs (
    sha256     TEXT PRIMARY KEY,
    size       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE blob_links (
    source     TEXT NOT NULL,
    stream     TEXT NOT NULL,
    key        TEXT NOT NULL,
    sha256     TEXT NOT NULL REFERENCES blobs (sha256),
    run        INTEGER NOT NULL,
    held       INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    filename   TEXT NOT NULL,
    PRIMARY KEY (source, sha256, stream, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX blob_links_of ON blob_links (sha256);
CREATE INDEX blob_links_run ON blob_links (run);

CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    hash         BLOB NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    reauth_until INTEGER,
    user_agent   TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    scopes       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
