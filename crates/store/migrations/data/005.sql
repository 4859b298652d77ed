-- Deleting a stream.

-- Streams that were deleted, by the number they had. Nobody sees their records any more; those go in small pieces, and the row goes
-- once the disk has their room back. Until then the number is given to no other stream.
CREATE TABLE removed_streams (
    id INTEGER PRIMARY KEY
) STRICT;

-- Streams that a source's owner wants left out of what is collected.
CREATE TABLE left_out (
    source TEXT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    stream TEXT NOT NULL,
    PRIMARY KEY (source, stream)
) STRICT, WITHOUT ROWID;
