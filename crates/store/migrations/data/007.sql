-- How many records of a stream each day has, in UTC: kept by the transactions that change them, so that a month, or any stretch of time,
-- is counted without looking at its records.
CREATE TABLE record_days (
    stream INTEGER NOT NULL,
    day    INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (stream, day)
) STRICT, WITHOUT ROWID;

INSERT INTO record_days
SELECT stream, (emitted_at - (emitted_at % 86400000 + 86400000) % 86400000) / 86400000, count(*)
FROM records WHERE data IS NOT NULL AND stream NOT IN (SELECT id FROM removed_streams) GROUP BY 1, 2;
