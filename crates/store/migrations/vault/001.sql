-- What is sealed, and what has been done with it. Times are whole milliseconds since 1970, ids their text.

CREATE TABLE vault (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    owner           TEXT NOT NULL,
    passphrase_hash TEXT NOT NULL,
    key_check       BLOB NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE slots (
    kind       TEXT PRIMARY KEY,
    wrapped    BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed  INTEGER NOT NULL
) STRICT;

CREATE TABLE source_keys (
    source     TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    generation INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('active', 'retiring')),
    wrapped    BLOB NOT NULL,
    PRIMARY KEY (source, purpose, generation)
) STRICT;

CREATE UNIQUE INDEX source_keys_active ON source_keys (source, purpose) WHERE state = 'active';

CREATE TABLE secrets (
    source       TEXT NOT NULL,
    kind         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    owner        TEXT NOT NULL,
    connector    TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('saved', 'verified', 'rejected', 'unknown')),
    sealed       BLOB NOT NULL,
    consent      TEXT,
    created_at   INTEGER NOT NULL,
    verified_at  INTEGER,
    rejected_at  INTEGER,
    last_used_at INTEGER,
    PRIMARY KEY (source, kind, version)
) STRICT;

-- The highest version ever given out; it outlives the secrets, so that no number, and no rejection, is ever used again.
CREATE TABLE secret_versions (
    source TEXT NOT NULL,
    kind   TEXT NOT NULL,
    last   INTEGER NOT NULL,
    PRIMARY KEY (source, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    n           INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    source      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    run         TEXT NOT NULL,
    origin      TEXT,
    step        INTEGER,
    code_index  INTEGER,
    state       TEXT NOT NULL CHECK (state IN ('submitted', 'accepted', 'rejected', 'unknown', 'unjudged')),
    at          INTEGER NOT NULL,
    resolved_at INTEGER,
    asked_again INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX attempts_of ON attempts (source, kind, n);
CREATE INDEX attempts_unresolved ON attempts (n) WHERE state = 'submitted';
-- A time step is spent for every version of a seed: the same seed may have been given twice.
CREATE UNIQUE INDEX attempts_step ON attempts (source, kind, step) WHERE step IS NOT NULL;
CREATE UNIQUE INDEX attempts_code ON attempts (source, kind, version, code_index) WHERE code_index IS NOT NULL;

CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,
    hash    BLOB NOT NULL
) STRICT;

-- The last head that was authenticated while the vault was unlocked.
CREATE TABLE audit_mac (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
