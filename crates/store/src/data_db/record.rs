//! Records as they are read: streams and their counts, pages, one record and its history.

use freehold_core::{RunId, SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::search::SearchQuery;
use super::span::Span;
use super::{DataDb, day};
use crate::row::{millis, parsed, time, time_or_none};
use crate::{Result, StoreError};

/// One stream of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSummary {
    /// Its name.
    pub name: String,
    /// Its records, deleted ones aside.
    pub count: u64,
    /// Bytes of their data.
    pub bytes: u64,
    /// The newest record's own time.
    pub newest: Option<Timestamp>,
    /// Every version kept, the latest ones and those that say "deleted" included.
    pub history_count: u64,
}

/// What a stream's list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// What the records contain, as it is typed into a search: then those are found that are searchable already.
    pub text: Option<String>,
    /// When they are from.
    pub span: Span,
}

impl RecordFilter {
    /// The search it is, if it is one.
    pub(super) fn as_search(&self, source: SourceId, stream: &str) -> Option<SearchQuery> {
        let (text, stream) = (self.text.clone()?, Some(stream.to_owned()));
        Some(SearchQuery { text, source: Some(source), stream, span: self.span, ..SearchQuery::default() })
    }
}

/// Which records are asked for.
#[derive(Clone, Debug, Default)]
pub struct RecordQuery {
    /// Of which list.
    pub filter: RecordFilter,
    /// The page after this one: `next` of the page before.
    pub before: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// A page of records, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records.
    pub rows: Vec<RecordRow>,
    /// What to ask for next; none at the end.
    pub next: Option<String>,
}

/// A record's latest value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// Its key.
    pub key: String,
    /// Its data, raw JSON as emitted.
    pub data: String,
    /// Its own time.
    pub emitted_at: Timestamp,
    /// When a run first saw it.
    pub first_seen_at: Timestamp,
    /// When a run saw this value first.
    pub changed_at: Timestamp,
    /// How many versions it has had, this one included.
    pub versions: u32,
    /// The run that brought this value.
    pub run: RunId,
}

/// One version of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    /// Which, from 1.
    pub version: u32,
    /// When a run saw it.
    pub seen_at: Timestamp,
    /// The record's own time then.
    pub emitted_at: Timestamp,
    /// Which run.
    pub run: RunId,
    /// Its data; none if the record was deleted then.
    pub data: Option<String>,
}

/// A record's columns; the first sight is that of version 1, wherever that is kept.
pub(super) const RECORD: &str = "SELECT r.id, r.stream, r.key, r.data, r.emitted_at, r.seen_at, r.version, \
    ifnull((SELECT v.seen_at FROM record_versions v WHERE v.record = r.id AND v.version = 1), r.seen_at) AS first_seen_at, \
    (SELECT id FROM runs WHERE n = r.run) AS run FROM records r";

impl DataDb {
    /// A source's streams, by name.
    pub fn streams(&self, source: SourceId) -> Result<Vec<StreamSummary>> {
        self.read("reading a source's streams", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, count, bytes, history_count, (SELECT emitted_at FROM records \
                 WHERE stream = streams.id AND data IS NOT NULL ORDER BY emitted_at DESC LIMIT 1) AS newest \
                 FROM streams WHERE source = ?1 AND history_count > 0 ORDER BY name",
            )?;
            let rows = statement
                .query_map([source.to_string()], |row| {
                    Ok(StreamSummary {
                        name: row.get("name")?,
                        count: row.get("count")?,
                        bytes: row.get("bytes")?,
                        newest: time_or_none(row, "newest")?,
                        history_count: row.get("history_count")?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// A page of a stream's records, newest first.
    pub fn records(&self, source: SourceId, stream: &str, query: &RecordQuery) -> Result<Page> {
        if let Some(search) = query.filter.as_search(source, stream) {
            return self.records_with(search, query);
        }
        let span = query.filter.span.millis();
        let cursor = query.before.as_deref().map_or(Ok((i64::MAX, i64::MAX)), parse_cursor)?;
        let (emitted_at, id) = cursor.min((span.end, i64::MIN));
        self.read("reading records", |connection| {
            let Some(stream) = stream_id(connection, source, stream)? else {
                return Ok(Page { rows: Vec::new(), next: None });
            };
            let mut statement = connection.prepare_cached(&format!(
                "{RECORD} WHERE r.stream = ?1 AND r.data IS NOT NULL AND (r.emitted_at, r.id) < (?2, ?3) \
                 AND r.emitted_at >= ?4 ORDER BY r.emitted_at DESC, r.id DESC LIMIT ?5"
            ))?;
            let rows: Vec<(i64, RecordRow)> = statement
                .query_map((stream, emitted_at, id, span.start, query.limit), |row| Ok((row.get("id")?, record_row(row)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let next = rows
                .last()
                .filter(|_| rows.len() == query.limit)
                .map(|(id, last)| format!("{}.{id}", millis(last.emitted_at)));
            Ok(Page { rows: rows.into_iter().map(|(_, row)| row).collect(), next })
        })
    }

    fn records_with(&self, search: SearchQuery, query: &RecordQuery) -> Result<Page> {
        let before = query.before.as_deref().map(|place| place.parse().map_err(|_| no_place())).transpose()?;
        let found = self.find(&SearchQuery { before, limit: query.limit, ..search })?;
        let next = found.next.map(|place| place.to_string());
        Ok(Page { rows: found.hits.into_iter().map(|hit| hit.record).collect(), next })
    }

    /// How many records are in a stream's list.
    pub fn count_records(&self, source: SourceId, stream: &str, filter: &RecordFilter) -> Result<u64> {
        if let Some(search) = filter.as_search(source, stream) {
            return self.count_found(&search, u64::MAX >> 1);
        }
        let span = filter.span.millis();
        self.read("counting records", |connection| {
            let Some(id) = stream_id(connection, source, stream)? else { return Ok(0) };
            if filter.span.is_all() {
                let mut count = connection.prepare_cached("SELECT count FROM streams WHERE id = ?1")?;
                return Ok(count.query_row([id], |row| row.get(0))?);
            }
            Ok(day::count_between(connection, id, &[span.start, span.end])?.into_iter().sum())
        })
    }

    /// A record that is not deleted.
    pub fn record(&self, source: SourceId, stream: &str, key: &str) -> Result<Option<RecordRow>> {
        self.read("reading a record", |connection| {
            let Some(stream) = stream_id(connection, source, stream)? else { return Ok(None) };
            Ok(connection
                .prepare_cached(&format!("{RECORD} WHERE r.stream = ?1 AND r.key = ?2 AND r.data IS NOT NULL"))?
                .query_row((stream, key), record_row)
                .optional()?)
        })
    }

    /// Every version of a record, the latest first; also of one that is deleted.
    pub fn versions(&self, source: SourceId, stream: &str, key: &str) -> Result<Vec<VersionRow>> {
        self.read("reading a record's history", |connection| {
            let Some(stream) = stream_id(connection, source, stream)? else { return Ok(Vec::new()) };
            let mut statement = connection.prepare_cached(
                "SELECT version, seen_at, emitted_at, (SELECT id FROM runs WHERE n = run) AS run, data FROM \
                 (SELECT version, seen_at, emitted_at, run, data FROM records WHERE stream = ?1 AND key = ?2 \
                  UNION ALL SELECT v.version, v.seen_at, v.emitted_at, v.run, v.data FROM record_versions v \
                  JOIN records r ON r.id = v.record WHERE r.stream = ?1 AND r.key = ?2) ORDER BY version DESC",
            )?;
            let rows = statement
                .query_map((stream, key), |row| {
                    Ok(VersionRow {
                        version: row.get("version")?,
                        seen_at: time(row, "seen_at")?,
                        emitted_at: time(row, "emitted_at")?,
                        run: parsed(row, "run", RunId::parse)?,
                        data: row.get("data")?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Counts every record and version and compares; reads the whole database.
    pub fn verify_counts(&self) -> Result<()> {
        self.read("verifying the streams' counts", |connection| {
            let wrong: Option<String> = connection
                .query_row(
                    "SELECT s.source || ' ' || s.name FROM streams s WHERE (s.count, s.bytes, s.history_count) IS NOT \
                     (SELECT count(data), ifnull(sum(octet_length(data)), 0), count(*) + (SELECT count(*) \
                      FROM record_versions v JOIN records h ON h.id = v.record WHERE h.stream = s.id) \
                      FROM records r WHERE r.stream = s.id)",
                    [],
                    |row| row.get(0),
                )
                .optional()?;
            wrong.map_or(Ok(()), |stream| Err(StoreError::corrupt(format!("the counts of {stream} are not true"))))?;
            let wrong: Option<i64> = connection.query_row(day::WRONG, [], |row| row.get(0)).optional()?;
            wrong.map_or(Ok(()), |stream| Err(StoreError::corrupt(format!("the days of stream {stream} are not true"))))
        })
    }
}

pub(super) fn stream_id(connection: &Connection, source: SourceId, name: &str) -> Result<Option<i64>> {
    Ok(connection
        .prepare_cached("SELECT id FROM streams WHERE source = ?1 AND name = ?2")?
        .query_row((source.to_string(), name), |row| row.get(0))
        .optional()?)
}

pub(super) fn record_row(row: &Row<'_>) -> rusqlite::Result<RecordRow> {
    Ok(RecordRow {
        key: row.get("key")?,
        data: row.get("data")?,
        emitted_at: time(row, "emitted_at")?,
        first_seen_at: time(row, "first_seen_at")?,
        changed_at: time(row, "seen_at")?,
        versions: row.get("version")?,
        run: parsed(row, "run", RunId::parse)?,
    })
}

fn parse_cursor(cursor: &str) -> Result<(i64, i64)> {
    cursor
        .split_once('.')
        .and_then(|(emitted_at, id)| Some((emitted_at.parse().ok()?, id.parse().ok()?)))
        .ok_or_else(no_place)
}

fn no_place() -> StoreError {
    StoreError::conflict("this is no place in a list of records; start from its first page")
}
