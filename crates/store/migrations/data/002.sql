-- The ephemeral mode: what a run may have left, the receipts, and the proofs.

-- The directory of an ephemeral run, until a verified receipt says that it is gone.
ALTER TABLE runs ADD COLUMN unwiped TEXT;

CREATE INDEX runs_unwiped ON runs (source) WHERE unwiped IS NOT NULL;

-- A receipt outlives its source.
CREATE TABLE receipts (
    n      INTEGER PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    run    TEXT,
    at     INTEGER NOT NULL,
    body   TEXT NOT NULL
) STRICT;

CREATE INDEX receipts_of ON receipts (source, n);
CREATE INDEX receipts_run ON receipts (run) WHERE run IS NOT NULL;

-- The last proof of each connector, bound to what was proven.
CREATE TABLE proofs (
    connector TEXT PRIMARY KEY,
    at        INTEGER NOT NULL,
    body      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
