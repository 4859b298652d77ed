-- Notifications: where the owner is reached, what they are needed for, and what was sent.

CREATE TABLE channels (
    id         TEXT PRIMARY KEY,
    settings   TEXT NOT NULL,
    has_secret INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE messages (
    n       INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    kind    TEXT NOT NULL CHECK (kind IN ('need', 'reminder', 'summary', 'test')),
    title   TEXT NOT NULL,
    body    TEXT NOT NULL,
    path    TEXT NOT NULL,
    urgent  INTEGER NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;

-- A need, from when it arose to when it was over. The message that told of it is noted in the transaction that makes that message,
-- so that no need is told twice.
CREATE TABLE needs (
    n           INTEGER PRIMARY KEY,
    subject     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    title       TEXT NOT NULL,
    body        TEXT NOT NULL,
    path        TEXT NOT NULL,
    urgent      INTEGER NOT NULL,
    arose_at    INTEGER NOT NULL,
    ended_at    INTEGER,
    told        INTEGER REFERENCES messages (n) ON DELETE SET NULL,
    told_at     INTEGER,
    reminded    INTEGER REFERENCES messages (n) ON DELETE SET NULL,
    reminded_at INTEGER
) STRICT;

-- One at a time of each subject, a source or the vault, as its status is one.
CREATE UNIQUE INDEX needs_open ON needs (subject) WHERE ended_at IS NULL;
CREATE INDEX needs_told ON needs (told) WHERE told IS NOT NULL;
CREATE INDEX needs_reminded ON needs (reminded) WHERE reminded IS NOT NULL;

CREATE TABLE deliveries (
    message INTEGER NOT NULL REFERENCES messages (n) ON DELETE CASCADE,
    channel TEXT NOT NULL,
    label   TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'unknown', 'dropped')),
    tries   INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    note    TEXT,
    PRIMARY KEY (message, channel)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_open ON deliveries (state) WHERE state IN ('waiting', 'sending');
