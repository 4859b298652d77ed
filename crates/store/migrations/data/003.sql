-- Full-text search over the records' latest values. The index keeps words and no text. A row's number is the record's place: the second
-- of its own time in the high bits, its id in the low ones, so that "newest first" is the index's own order.
CREATE VIRTUAL TABLE search_words USING fts5 (
    text,
    stream,
    content = '',
    contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2'
);

-- Which records are in it, and where.
CREATE TABLE search_places (
    record INTEGER PRIMARY KEY,
    place  INTEGER NOT NULL
) STRICT;

-- Records whose value changed, or that went, since they were put in.
CREATE TABLE search_changed (
    record INTEGER PRIMARY KEY
) STRICT;

-- Records up to this id have been put in; those after it wait.
CREATE TABLE search_done (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    record INTEGER NOT NULL
) STRICT;

INSERT INTO search_done VALUES (1, 0);
