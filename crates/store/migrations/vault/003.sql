-- The secrets of the server's own channels of notifications, each sealed for its channel alone.

CREATE TABLE channel_secrets (
    channel    TEXT PRIMARY KEY,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
