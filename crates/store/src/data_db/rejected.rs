//! Records a connector emitted that are not stored as records: none disappears.

use freehold_core::RunId;
use freehold_core::run::Counts;

use super::{DataDb, run};
use crate::Result;

/// How much of a rejected record's data is kept, bytes.
const DATA_LIMIT: usize = 64 * 1024;

/// A rejected record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// The stream it named.
    pub stream: String,
    /// Its key, as far as readable.
    pub key: String,
    /// Why, by its stable name.
    pub reason: String,
    /// Why, as a sentence.
    pub detail: String,
    /// Its data as emitted; the first 64 KiB are kept.
    pub data: String,
}

impl DataDb {
    /// Puts records on a run's rejected list and counts them as emitted and rejected.
    pub fn reject(&self, run: RunId, rows: Vec<RejectedRow>) -> Result<()> {
        self.check_room()?;
        self.write_soon("keeping rejected records", move |connection| {
            let n = run::number_of_unfinished(connection, run)?;
            let mut insert = connection.prepare_cached(
                "INSERT INTO rejected_records (run, seq, stream, key, reason, detail, data) \
                 SELECT ?1, ifnull(max(seq), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM rejected_records WHERE run = ?1",
            )?;
            for row in &rows {
                let kept = &row.data[..head_end(&row.data, DATA_LIMIT)];
                insert.execute((n, &row.stream, &row.key, &row.reason, &row.detail, kept))?;
            }
            let count = rows.len() as u64;
            run::add_counts(connection, n, &Counts { emitted: count, rejected: count, ..Counts::default() })
        })
    }

    /// Up to `limit` rejected records of a run after the place `after`, each with its place, from 1.
    pub fn rejected(&self, run: RunId, limit: usize, after: u64) -> Result<Vec<(u64, RejectedRow)>> {
        self.read("reading rejected records", |connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM rejected_records WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")?;
            let rows = statement
                .query_map((run::number(connection, run)?, after, limit), |row| {
                    let rejected = RejectedRow {
                        stream: row.get("stream")?,
                        key: row.get("key")?,
                        reason: row.get("reason")?,
                        detail: row.get("detail")?,
                        data: row.get("data")?,
                    };
                    Ok((row.get("seq")?, rejected))
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// How many records of a run were rejected.
    pub fn rejected_count(&self, run: RunId) -> Result<u64> {
        self.read("counting rejected records", |connection| {
            Ok(connection
                .prepare_cached("SELECT ifnull(max(seq), 0) FROM rejected_records WHERE run = ?1")?
                .query_row([run::number(connection, run)?], |row| row.get(0))?)
        })
    }
}

/// Where the first `limit` bytes of `text` end, at a whole character.
fn head_end(text: &str, limit: usize) -> usize {
    (0..=limit.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
