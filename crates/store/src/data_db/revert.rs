//! Taking back what a run wrote, when it turns out to have been another account's.

use std::collections::BTreeMap;

use freehold_core::RunId;
use freehold_core::run::Counts;
use rusqlite::{Connection, OptionalExtension, Row};

use super::day::DayChanges;
use super::write::add_to_stream;
use super::{DataDb, held, run, search};
use crate::Result;

impl DataDb {
    /// Removes every version this run wrote and restores the records it changed. Only a run that is not over can be taken back:
    /// it is then the last that wrote to its source, so that nothing stands on what is removed. Reads every record of the source.
    pub fn revert_run(&self, run: RunId) -> Result<()> {
        self.write("taking a run's records back", move |connection| {
            let n = run::number_of_unfinished(connection, run)?;
            revert(connection, n)?;
            held::drop_held(connection, n)?;
            connection.execute("DELETE FROM blob_links WHERE run = ?1", [n])?;
            let counts: (u64, u64) =
                connection.query_row("SELECT emitted, rejected FROM runs WHERE n = ?1", [n], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            // What was emitted and rejected still is; nothing of it is stored any more.
            run::set_counts(connection, n, &Counts { emitted: counts.0, rejected: counts.1, ..Counts::default() })
        })?;
        self.sweep_blobs()
    }
}

/// What is known of a record the run wrote, before it is taken back.
struct Written {
    id: i64,
    stream: i64,
    version: i64,
    emitted_at: i64,
    bytes: Option<i64>,
}

/// The version before it that another run wrote.
struct Before {
    version: i64,
    emitted_at: i64,
    bytes: Option<i64>,
}

fn revert(connection: &Connection, n: i64) -> Result<()> {
    // There is no index by run: it would cost every batch of every run, for this alone.
    let written: Vec<Written> = connection
        .prepare_cached(
            "SELECT id, stream, version, emitted_at, octet_length(data) AS bytes FROM records NOT INDEXED WHERE run = ?1 \
             AND stream IN (SELECT s.id FROM streams s JOIN runs r ON r.source = s.source WHERE r.n = ?1)",
        )?
        .query_map([n], |row| {
            Ok(Written {
                id: row.get("id")?,
                stream: row.get("stream")?,
                version: row.get("version")?,
                emitted_at: row.get("emitted_at")?,
                bytes: row.get("bytes")?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut earlier = connection.prepare_cached(
        "SELECT version, emitted_at, octet_length(data) FROM record_versions \
         WHERE record = ?1 AND run <> ?2 ORDER BY version DESC LIMIT 1",
    )?;
    let mut restore = connection.prepare_cached(
        "UPDATE records SET (version, run, emitted_at, seen_at, data) = \
         (SELECT version, run, emitted_at, seen_at, data FROM record_versions WHERE record = ?1 AND version = ?2) WHERE id = ?1",
    )?;
    let mut forget = connection.prepare_cached("DELETE FROM record_versions WHERE record = ?1 AND version >= ?2")?;
    let mut remove = connection.prepare_cached("DELETE FROM records WHERE id = ?1")?;
    let mut changed = connection.prepare_cached(search::CHANGED)?;
    let mut days: BTreeMap<i64, DayChanges> = BTreeMap::new();
    for record in written {
        changed.execute([record.id])?;
        let before = |row: &Row<'_>| Ok(Before { version: row.get(0)?, emitted_at: row.get(1)?, bytes: row.get(2)? });
        let before = earlier.query_row((record.id, n), before).optional()?;
        match &before {
            Some(before) => {
                restore.execute((record.id, before.version))?;
                forget.execute((record.id, before.version))?;
            }
            None => {
                remove.execute([record.id])?;
                forget.execute((record.id, 0))?;
            }
        }
        let restored = before.as_ref().filter(|before| before.bytes.is_some());
        let days = days.entry(record.stream).or_default();
        if record.bytes.is_some() {
            days.add(record.emitted_at, -1);
        }
        if let Some(restored) = restored {
            days.add(restored.emitted_at, 1);
        }
        let count = i64::from(restored.is_some()) - i64::from(record.bytes.is_some());
        let bytes = restored.and_then(|before| before.bytes).unwrap_or(0) - record.bytes.unwrap_or(0);
        let history = before.map_or(0, |before| before.version) - record.version;
        add_to_stream(connection, record.stream, count, bytes, history)?;
    }
    for (stream, days) in days {
        days.write(connection, stream)?;
    }
    search::after_removal(connection)
}
