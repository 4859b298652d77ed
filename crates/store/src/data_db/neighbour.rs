//! What is beside a record in a list: the newer record, the older one, and its place among all.

use std::ops::Range;

use freehold_core::SourceId;
use rusqlite::{Connection, OptionalExtension, Row};

use super::record::{RecordFilter, stream_id};
use super::search::{self, ID_MASK, SearchQuery};
use super::{DataDb, day};
use crate::Result;
use crate::row::parsed;

/// Records that are counted one by one, at most: those a search finds, or those of one day.
const MOST_COUNTED: u64 = 10_000;

/// What is beside a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The record before it in the list.
    pub newer: Option<Neighbour>,
    /// The record after it in the list.
    pub older: Option<Neighbour>,
    /// Its place in the list, from 1, and how long the list is; none where counting would take long.
    pub place: Option<(u64, u64)>,
}

/// A record beside another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its source.
    pub source: SourceId,
    /// Its stream.
    pub stream: String,
    /// Its key.
    pub key: String,
}

/// Where a record is in the order of its stream's list.
struct At {
    id: i64,
    emitted_at: i64,
}

impl DataDb {
    /// What is beside a record in its stream's list. `None` if it is not in that list (any more).
    pub fn neighbours(
        &self,
        source: SourceId,
        stream: &str,
        key: &str,
        filter: &RecordFilter,
    ) -> Result<Option<Neighbours>> {
        if let Some(query) = filter.as_search(source, stream) {
            return self.found_neighbours(source, stream, key, &query);
        }
        let span = filter.span.millis();
        let found = self.read("reading what is beside a record", |connection| {
            let Some(id) = stream_id(connection, source, stream)? else { return Ok(None) };
            let Some(at) = find(connection, id, key)?.filter(|at| span.contains(&at.emitted_at)) else { return Ok(None) };
            let beside = |of_same_time: &str, sql: &str, end: i64| -> Result<Option<Neighbour>> {
                let key = |sql: &str, limit: i64| -> Result<Option<String>> {
                    Ok(connection.prepare_cached(sql)?.query_row((id, at.emitted_at, limit), |row| row.get(0)).optional()?)
                };
                let key = key(of_same_time, at.id)?.map_or_else(|| key(sql, end), |key| Ok(Some(key)))?;
                Ok(key.map(|key| Neighbour { source, stream: stream.to_owned(), key }))
            };
            let newer = beside(NEWER_OF_SAME_TIME, NEWER, span.end)?;
            let older = beside(OLDER_OF_SAME_TIME, OLDER, span.start)?;
            Ok(Some((newer, older, before(connection, id, &at, span.end)?)))
        })?;
        let Some((newer, older, before)) = found else { return Ok(None) };
        let of = self.count_records(source, stream, filter)?;
        Ok(Some(Neighbours { newer, older, place: before.map(|before| (before + 1, of)) }))
    }

    /// What is beside a record among those that a search finds. `None` if it is not among them (any more).
    pub fn found_neighbours(
        &self,
        source: SourceId,
        stream: &str,
        key: &str,
        query: &SearchQuery,
    ) -> Result<Option<Neighbours>> {
        self.read("reading what is beside a found record", |connection| {
            let Some(expression) = query.expression(connection)? else { return Ok(None) };
            let Some(at) = stream_id(connection, source, stream)?.map(|id| find(connection, id, key)).transpose()?.flatten()
            else {
                return Ok(None);
            };
            let places = query.places();
            let Some(place) = place_of(connection, at.id, &expression)?.filter(|place| places.contains(place)) else {
                return Ok(None);
            };
            let of = search::count(connection, &expression, places.clone(), MOST_COUNTED + 1)?;
            let before = || search::count(connection, &expression, place + 1..places.end, MOST_COUNTED);
            Ok(Some(Neighbours {
                newer: found_beside(connection, &expression, place + 1..places.end, "ASC")?,
                older: found_beside(connection, &expression, places.start..place, "DESC")?,
                place: if of > MOST_COUNTED { None } else { Some((before()? + 1, of)) },
            }))
        })
    }
}

// Two statements each way: one that compares time and id together would walk through all records of the same time.
const NEWER_OF_SAME_TIME: &str = "SELECT key FROM records WHERE stream = ?1 AND data IS NOT NULL \
    AND emitted_at = ?2 AND id > ?3 ORDER BY id LIMIT 1";
const NEWER: &str = "SELECT key FROM records WHERE stream = ?1 AND data IS NOT NULL \
    AND emitted_at > ?2 AND emitted_at < ?3 ORDER BY emitted_at, id LIMIT 1";
const OLDER_OF_SAME_TIME: &str = "SELECT key FROM records WHERE stream = ?1 AND data IS NOT NULL \
    AND emitted_at = ?2 AND id < ?3 ORDER BY id DESC LIMIT 1";
const OLDER: &str = "SELECT key FROM records WHERE stream = ?1 AND data IS NOT NULL \
    AND emitted_at < ?2 AND emitted_at >= ?3 ORDER BY emitted_at DESC, id DESC LIMIT 1";
const COUNT_OF_SAME_TIME: &str = "SELECT count(*) FROM records WHERE stream = ?1 AND data IS NOT NULL \
    AND emitted_at = ?2 AND id > ?3";

fn find(connection: &Connection, stream: i64, key: &str) -> Result<Option<At>> {
    let sql = "SELECT id, emitted_at FROM records WHERE stream = ?1 AND key = ?2 AND data IS NOT NULL";
    let at = |row: &Row<'_>| Ok(At { id: row.get("id")?, emitted_at: row.get("emitted_at")? });
    Ok(connection.prepare_cached(sql)?.query_row((stream, key), at).optional()?)
}

/// How many records are before one in its stream's list, which ends before `end`. `None` where its day alone has too many to count.
fn before(connection: &Connection, stream: i64, at: &At, end: i64) -> Result<Option<u64>> {
    if day::count_beside(connection, stream, at.emitted_at)? > MOST_COUNTED {
        return Ok(None);
    }
    let newer: u64 = day::count_between(connection, stream, &[at.emitted_at + 1, end])?.into_iter().sum();
    let same: u64 =
        connection.prepare_cached(COUNT_OF_SAME_TIME)?.query_row((stream, at.emitted_at, at.id), |row| row.get(0))?;
    Ok(Some(newer + same))
}

/// A record's place in the index, if it is found by the expression.
fn place_of(connection: &Connection, record: i64, expression: &str) -> Result<Option<i64>> {
    let place: Option<i64> = connection
        .prepare_cached("SELECT place FROM search_places WHERE record = ?1")?
        .query_row([record], |row| row.get(0))
        .optional()?;
    let Some(place) = place else { return Ok(None) };
    let sql = "SELECT rowid FROM search_words WHERE search_words MATCH ?1 AND rowid = ?2";
    Ok(connection.prepare_cached(sql)?.query_row((expression, place), |row| row.get(0)).optional()?)
}

/// The first record in these places that is found, in this order of theirs.
fn found_beside(connection: &Connection, expression: &str, places: Range<i64>, order: &str) -> Result<Option<Neighbour>> {
    // What was found may be gone since.
    let sql = format!(
        "SELECT s.source, s.name, r.key FROM (SELECT rowid AS place FROM search_words \
         WHERE search_words MATCH ?1 AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid {order}) w \
         CROSS JOIN records r ON r.id = w.place & {ID_MASK} AND r.data IS NOT NULL \
         JOIN streams s ON s.id = r.stream ORDER BY w.place {order} LIMIT 1"
    );
    let neighbour = |row: &Row<'_>| {
        Ok(Neighbour { source: parsed(row, "source", SourceId::parse)?, stream: row.get("name")?, key: row.get("key")? })
    };
    Ok(connection.prepare_cached(&sql)?.query_row((expression, places.start, places.end), neighbour).optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beside_a_record_is_looked_up_however_many_there_are() {
        let connection = Connection::open_in_memory().expect("opened");
        connection.execute_batch(include_str!("../../migrations/data/001.sql")).expect("made");
        for sql in [NEWER_OF_SAME_TIME, NEWER, OLDER_OF_SAME_TIME, OLDER, COUNT_OF_SAME_TIME] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("prepared");
            let arguments = vec![0; statement.parameter_count()];
            let plan: Vec<String> = statement
                .query_map(rusqlite::params_from_iter(arguments), |row| row.get("detail"))
                .expect("planned")
                .collect::<rusqlite::Result<_>>()
                .expect("planned");
            assert_eq!(plan.len(), 1, "nothing is sorted: {plan:?}");
            let bounds =
                if sql.contains("emitted_at = ") { "emitted_at=? AND rowid" } else { "emitted_at>? AND emitted_at<?" };
            assert!(plan[0].contains(&format!("INDEX records_newest (stream=? AND {bounds}")), "{plan:?}");
        }
    }
}
