//! How many records a list has over time.

use freehold_core::{SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::record::{RecordFilter, stream_id};
use super::search::{SearchQuery, moment};
use super::{DataDb, day};
use crate::row::millis;
use crate::{Result, StoreError};

impl DataDb {
    /// The times of the oldest and of the newest record of a stream's list; none if it has none. Those that a text finds are told to the
    /// second.
    pub fn ends(&self, source: SourceId, stream: &str, filter: &RecordFilter) -> Result<Option<(Timestamp, Timestamp)>> {
        self.read("reading when records are from", |connection| {
            let ends = match filter.as_search(source, stream) {
                Some(search) => found_ends(connection, &search)?,
                None => {
                    stream_id(connection, source, stream)?.map(|id| own_ends(connection, id, filter)).transpose()?.flatten()
                }
            };
            ends.map(|(oldest, newest)| Ok((instant(oldest)?, instant(newest)?))).transpose()
        })
    }

    /// How many records of a stream's list there are from each of these instants to before the next. They are in order, in whole
    /// seconds. It takes as long as there are days, or records that have the text.
    pub fn count_over_time(
        &self,
        source: SourceId,
        stream: &str,
        filter: &RecordFilter,
        bounds: &[Timestamp],
    ) -> Result<Vec<u64>> {
        let span = filter.span.millis();
        // What is not in the list at all is not in a part of it.
        let bounds: Vec<i64> =
            bounds.iter().map(|bound| millis(*bound).clamp(span.start, span.end.max(span.start))).collect();
        self.read("counting records over time", |connection| match filter.as_search(source, stream) {
            Some(search) => count_found(connection, &search, &bounds),
            None => match stream_id(connection, source, stream)? {
                Some(id) => day::count_between(connection, id, &bounds),
                None => Ok(vec![0; bounds.len().saturating_sub(1)]),
            },
        })
    }
}

fn own_ends(connection: &Connection, stream: i64, filter: &RecordFilter) -> Result<Option<(i64, i64)>> {
    let span = filter.span.millis();
    let end = |order: &str| -> Result<Option<i64>> {
        let sql = format!(
            "SELECT emitted_at FROM records WHERE stream = ?1 AND data IS NOT NULL AND emitted_at >= ?2 AND emitted_at < ?3 \
             ORDER BY emitted_at {order} LIMIT 1"
        );
        Ok(connection.prepare_cached(&sql)?.query_row((stream, span.start, span.end), |row| row.get(0)).optional()?)
    };
    Ok(end("ASC")?.zip(end("DESC")?))
}

fn found_ends(connection: &Connection, search: &SearchQuery) -> Result<Option<(i64, i64)>> {
    let Some(expression) = search.expression(connection)? else { return Ok(None) };
    let places = search.places();
    let end = |order: &str| -> Result<Option<i64>> {
        let sql = format!(
            "SELECT rowid FROM search_words WHERE search_words MATCH ?1 AND rowid >= ?2 AND rowid < ?3 \
             ORDER BY rowid {order} LIMIT 1"
        );
        let place = |row: &rusqlite::Row<'_>| row.get(0).map(moment);
        Ok(connection.prepare_cached(&sql)?.query_row((&expression, places.start, places.end), place).optional()?)
    };
    Ok(end("ASC")?.zip(end("DESC")?))
}

fn count_found(connection: &Connection, search: &SearchQuery, bounds: &[i64]) -> Result<Vec<u64>> {
    let mut counts = vec![0; bounds.len().saturating_sub(1)];
    let Some(expression) = search.expression(connection)? else { return Ok(counts) };
    let places = search.places();
    let mut statement = connection
        .prepare_cached("SELECT rowid FROM search_words WHERE search_words MATCH ?1 AND rowid >= ?2 AND rowid < ?3")?;
    let mut rows = statement.query((&expression, places.start, places.end))?;
    while let Some(row) = rows.next()? {
        let at = moment(row.get(0)?);
        let place = bounds.partition_point(|bound| *bound <= at);
        if let Some(count) = place.checked_sub(1).and_then(|place| counts.get_mut(place)) {
            *count += 1;
        }
    }
    Ok(counts)
}

fn instant(millis: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(|e| StoreError::corrupt(format!("a record's time is none: {e}")))
}
