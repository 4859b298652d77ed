//! Full-text search over the records' latest values, and the index it reads, which follows them in the background.

mod query;
mod snippet;
mod text;

use std::ops::Range;

use freehold_core::SourceId;
use rusqlite::{Connection, OptionalExtension};

pub use snippet::SnippetPart;

use super::DataDb;
use super::record::{RECORD, RecordRow, record_row};
use super::span::Span;
use crate::row::parsed;
use crate::{Result, StoreError};

/// The low bits of a place are the record's id: room for a thousand million records.
const ID_BITS: u32 = 30;
pub(super) const ID_MASK: i64 = (1 << ID_BITS) - 1;
/// The second of a record's own time that is place 0, so that times before 1970 have one too: from 1833 on. After as much again, in 2106,
/// they share the last.
const FIRST_SECOND: i64 = -(1 << 32);
const LAST_SECOND: i64 = (1 << 32) - 1;

/// Text of one batch for the index, so that neither memory nor the writer's time is taken up by a few long records.
const BATCH_BYTES: usize = 2 << 20;

/// What is searched for, and where.
#[derive(Clone, Debug, Default)]
pub struct SearchQuery {
    /// As a person typed it: words, "several in a row", -not.
    pub text: String,
    /// In this source alone.
    pub source: Option<SourceId>,
    /// In its stream of that name alone.
    pub stream: Option<String>,
    /// From then alone.
    pub span: Span,
    /// After this place: `next` of the page before.
    pub before: Option<i64>,
    /// At most this many.
    pub limit: usize,
}

impl SearchQuery {
    /// It as an expression of the index. `None` if it can find nothing: there is no word in it, or no such stream.
    pub(super) fn expression(&self, connection: &Connection) -> Result<Option<String>> {
        let Some(words) = query::expression(&self.text) else { return Ok(None) };
        within(connection, self.source, self.stream.as_deref(), &words)
    }

    /// The places that its time is.
    pub(super) fn places(&self) -> Range<i64> {
        let millis = self.span.millis();
        self.span.from.map_or(i64::MIN, |_| first_place(millis.start))
            ..self.span.until.map_or(i64::MAX, |_| first_place(millis.end))
    }
}

/// A page of what was found, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// The records.
    pub hits: Vec<Hit>,
    /// What to ask for next; none at the end.
    pub next: Option<i64>,
}

/// A record that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its source.
    pub source: SourceId,
    /// Its stream.
    pub stream: String,
    /// The record.
    pub record: RecordRow,
    /// Where in it; empty if that is further down than is looked.
    pub snippet: Vec<SnippetPart>,
}

/// A record to be put into the index, or taken out of it.
struct Entry {
    record: i64,
    /// None if the record is gone.
    value: Option<Value>,
}

struct Value {
    version: i64,
    place: i64,
    stream: String,
    text: String,
}

impl DataDb {
    /// Puts at most `limit` records that wait into the index, and says how many those were. One thread at a time. `DiskFull` where there
    /// is no room for records either.
    pub fn index_records(&self, limit: usize) -> Result<usize> {
        // Read, parsed and taken apart here, so that the writer has little left to do and batches of records do not wait for it.
        let (entries, done) = self.read("reading what is not searchable yet", move |connection| {
            let changed = entries(
                connection,
                "SELECT c.record, r.version, r.emitted_at, r.stream, r.data FROM search_changed c \
                 LEFT JOIN records r ON r.id = c.record ORDER BY c.record LIMIT ?1",
                limit,
            )?;
            let new = entries(
                connection,
                "SELECT id, version, emitted_at, stream, data FROM records \
                 WHERE id > (SELECT record FROM search_done) ORDER BY id LIMIT ?1",
                limit - changed.len(),
            )?;
            let done = new.last().map(|entry| entry.record);
            Ok((changed.into_iter().chain(new).collect::<Vec<_>>(), done))
        })?;
        let count = entries.len();
        if count > 0 {
            // What is kept back for how runs end is not for this.
            self.check_room()?;
            self.write_soon("making records searchable", move |connection| put(connection, &entries, done))?;
        }
        Ok(count)
    }

    /// About how many records wait to be searchable.
    pub fn waiting_for_index(&self) -> Result<u64> {
        self.read("counting what is not searchable yet", |connection| {
            let sql = "SELECT max(0, ifnull((SELECT max(id) FROM records), 0) - (SELECT record FROM search_done)) \
                       + (SELECT count(*) FROM search_changed)";
            Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
        })
    }

    /// Records that contain what was searched for, newest first by their own time to the second, with where in them. Nothing for a text
    /// without a word.
    pub fn search(&self, query: &SearchQuery) -> Result<SearchPage> {
        let mut found = self.find(query)?;
        if let Some(words) = query::expression(&query.text) {
            let snippets = snippet::snippets(found.hits.iter().map(|hit| &*hit.record.data), &words)?;
            found.hits.iter_mut().zip(snippets).for_each(|(hit, snippet)| hit.snippet = snippet);
        }
        Ok(found)
    }

    /// As `search`, without the snippets.
    pub(super) fn find(&self, query: &SearchQuery) -> Result<SearchPage> {
        let places = query.places();
        let end = query.before.map_or(places.end, |before| before.min(places.end));
        let found: Vec<(i64, Hit)> = self.read("searching", |connection| {
            let Some(expression) = query.expression(connection)? else { return Ok(Vec::new()) };
            let mut statement = connection.prepare_cached(&format!(
                "SELECT w.place, s.source, s.name, f.* FROM (SELECT rowid AS place FROM search_words \
                 WHERE search_words MATCH ?1 AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC) w \
                 CROSS JOIN ({RECORD} WHERE r.data IS NOT NULL) f ON f.id = w.place & {ID_MASK} \
                 JOIN streams s ON s.id = f.stream ORDER BY w.place DESC LIMIT ?4"
            ))?;
            let rows = statement.query_map((expression, places.start, end, query.limit), |row| {
                let hit = Hit {
                    source: parsed(row, "source", SourceId::parse)?,
                    stream: row.get("name")?,
                    record: record_row(row)?,
                    snippet: Vec::new(),
                };
                Ok((row.get("place")?, hit))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })?;
        let next = found.last().filter(|_| found.len() == query.limit).map(|(place, _)| *place);
        Ok(SearchPage { hits: found.into_iter().map(|(_, hit)| hit).collect(), next })
    }

    /// How many records contain it, counted up to `most`.
    pub fn count_found(&self, query: &SearchQuery, most: u64) -> Result<u64> {
        self.read("counting what was found", |connection| match query.expression(connection)? {
            Some(expression) => count(connection, &expression, query.places(), most),
            None => Ok(0),
        })
    }

    /// Compares the index with every record; reads the whole database.
    pub fn verify_index(&self) -> Result<()> {
        self.read("verifying the index", |connection| {
            let wrong: Option<i64> = connection
                .query_row(
                    &format!(
                        "SELECT id FROM records WHERE data IS NOT NULL AND id <= (SELECT record FROM search_done) \
                         AND id NOT IN (SELECT record FROM search_changed) \
                         AND id NOT IN (SELECT rowid & {ID_MASK} FROM search_words) \
                         UNION ALL SELECT rowid & {ID_MASK} FROM search_words WHERE rowid & {ID_MASK} NOT IN \
                         (SELECT id FROM records WHERE data IS NOT NULL UNION ALL SELECT record FROM search_changed)"
                    ),
                    [],
                    |row| row.get(0),
                )
                .optional()?;
            wrong.map_or(Ok(()), |id| Err(StoreError::corrupt(format!("record {id} is not searchable as it should be"))))
        })
    }
}

/// How many places of these contain it, counted up to `most`.
pub(super) fn count(connection: &Connection, expression: &str, places: Range<i64>, most: u64) -> Result<u64> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM search_words WHERE search_words MATCH ?1 AND rowid >= ?2 AND rowid < ?3 LIMIT ?4)";
    Ok(connection.prepare_cached(sql)?.query_row((expression, places.start, places.end, most), |row| row.get(0))?)
}

/// The expression narrowed to a source or a stream, and to what is not deleted. `None` if there is no such stream.
fn within(connection: &Connection, source: Option<SourceId>, stream: Option<&str>, words: &str) -> Result<Option<String>> {
    let Some(source) = source else {
        let gone: Vec<String> = connection
            .prepare_cached("SELECT id FROM removed_streams")?
            .query_map([], |row| Ok(stream_word(row.get(0)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let but = if gone.is_empty() { String::new() } else { format!(" NOT stream : ({})", gone.join(" OR ")) };
        return Ok(Some(format!("text : ({words}){but}")));
    };
    let streams: Vec<String> = connection
        .prepare_cached("SELECT id FROM streams WHERE source = ?1 AND (?2 IS NULL OR name = ?2)")?
        .query_map((source.to_string(), stream), |row| Ok(stream_word(row.get(0)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let is_there = !streams.is_empty();
    Ok(is_there.then(|| format!("stream : ({}) AND text : ({words})", streams.join(" OR "))))
}

/// The word of a stream in the index.
fn stream_word(id: i64) -> String {
    format!("s{id}")
}

/// At most `limit` of them, and no more once their text is so much that the rest can wait.
fn entries(connection: &Connection, sql: &str, limit: usize) -> Result<Vec<Entry>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([limit])?;
    let (mut entries, mut bytes) = (Vec::new(), 0);
    while bytes < BATCH_BYTES
        && let Some(row) = rows.next()?
    {
        let record = row.get(0)?;
        let value = match row.get_ref(4)?.as_str_or_null().map_err(rusqlite::Error::from)? {
            Some(data) => Some(Value {
                version: row.get(1)?,
                place: place(record, row.get(2)?),
                stream: stream_word(row.get(3)?),
                text: text::of_record(data),
            }),
            None => None,
        };
        bytes += value.as_ref().map_or(0, |value| value.text.len());
        entries.push(Entry { record, value });
    }
    Ok(entries)
}

fn place(record: i64, emitted_at_ms: i64) -> i64 {
    first_place(emitted_at_ms) | (record & ID_MASK)
}

/// The second of a place, in milliseconds.
pub(super) fn moment(place: i64) -> i64 {
    ((place >> ID_BITS) + FIRST_SECOND) * 1000
}

/// The first place of a time's second.
fn first_place(millis: i64) -> i64 {
    (millis.div_euclid(1000).clamp(FIRST_SECOND, LAST_SECOND) - FIRST_SECOND) << ID_BITS
}

fn put(connection: &Connection, entries: &[Entry], done: Option<i64>) -> Result<()> {
    let mut version = connection.prepare_cached("SELECT version FROM records WHERE id = ?1 AND data IS NOT NULL")?;
    let mut old = connection.prepare_cached("DELETE FROM search_places WHERE record = ?1 RETURNING place")?;
    let mut take_out = connection.prepare_cached("DELETE FROM search_words WHERE rowid = ?1")?;
    let mut put_in = connection.prepare_cached("INSERT INTO search_words (rowid, text, stream) VALUES (?1, ?2, ?3)")?;
    let mut remember = connection.prepare_cached("INSERT INTO search_places (record, place) VALUES (?1, ?2)")?;
    let mut settled = connection.prepare_cached("DELETE FROM search_changed WHERE record = ?1")?;
    for Entry { record, value } in entries {
        // It may have changed since it was read; then it is among the changed ones, and waits for its next turn.
        let now: Option<i64> = version.query_row([record], |row| row.get(0)).optional()?;
        if now != value.as_ref().map(|value| value.version) {
            continue;
        }
        let place: Option<i64> = old.query_row([record], |row| row.get(0)).optional()?;
        if let Some(place) = place {
            take_out.execute([place])?;
        }
        if let Some(value) = value {
            put_in.execute((value.place, &value.text, &value.stream))?;
            remember.execute((record, value.place))?;
        }
        settled.execute([record])?;
    }
    if let Some(done) = done {
        connection.prepare_cached("UPDATE search_done SET record = max(record, ?1)")?.execute([done])?;
    }
    Ok(())
}

/// Notes that a record has another value, or none, than the one that was put in.
pub(super) const CHANGED: &str = "INSERT OR IGNORE INTO search_changed (record) VALUES (?1)";

/// To be called after records were removed: ids at the end may be given again, and those that get them wait like all new ones.
pub(super) fn after_removal(connection: &Connection) -> Result<()> {
    connection
        .prepare_cached("UPDATE search_done SET record = min(record, ifnull((SELECT max(id) FROM records), 0))")?
        .execute([])?;
    Ok(())
}
