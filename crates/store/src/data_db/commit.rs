//! The commit that ends a run: everything it settles, in one transaction, on disk.

use freehold_core::RunId;
use freehold_core::SourceId;
use freehold_core::run::{Counts, Outcome, RunEvent, RunState};
use rusqlite::OptionalExtension;
use serde_json::{Map, Value};

use super::{DataDb, run, source};
use crate::row::{json, to_json};
use crate::{Result, SourceRow};

/// How a run ends.
pub struct CommitRun {
    /// Which run.
    pub run: RunId,
    /// The STATE of each stream it has one for; other streams keep theirs.
    pub states: Vec<(String, Value)>,
    /// How it ended.
    pub outcome: Outcome,
    /// What became of its records.
    pub counts: Counts,
    /// What exactly went wrong, if something did.
    pub detail: Option<String>,
    /// What it changes about its source.
    pub source_update: Box<dyn FnOnce(&mut SourceRow) + Send>,
}

impl DataDb {
    /// Ends a run: STATE, counts, outcome, source and timeline together, and with them every batch before. A conflict if the run
    /// cannot end so from where it stands.
    pub fn commit_run(&self, commit: CommitRun) -> Result<RunState> {
        let at = self.now();
        self.write("committing a run", move |connection| {
            let n = run::number(connection, commit.run)?;
            let source = run::source_of(connection, n)?;
            let mut put =
                connection.prepare_cached("INSERT OR REPLACE INTO cursors (source, stream, state) VALUES (?1, ?2, ?3)")?;
            for (stream, state) in &commit.states {
                put.execute((source.to_string(), stream, to_json(state)?))?;
            }
            if let Some(detail) = &commit.detail {
                connection.prepare_cached("UPDATE runs SET detail = ?2 WHERE n = ?1")?.execute((n, detail))?;
            }
            source::update(connection, source, commit.source_update)?;
            let end = RunEvent::End { outcome: commit.outcome, counts: commit.counts };
            run::advance(connection, commit.run, end, None, at)
        })
    }

    /// The STATE of each stream of a source, as last committed.
    pub fn cursors(&self, source: SourceId) -> Result<Map<String, Value>> {
        self.read("reading a source's STATE", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT stream, state FROM cursors WHERE source = ?1 ORDER BY stream")?;
            let rows = statement
                .query_map([source.to_string()], |row| Ok((row.get("stream")?, json(row, "state")?)))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// The STATE of one stream.
    pub fn cursor(&self, source: SourceId, stream: &str) -> Result<Option<Value>> {
        self.read("reading a stream's STATE", |connection| {
            Ok(connection
                .prepare_cached("SELECT state FROM cursors WHERE source = ?1 AND stream = ?2")?
                .query_row((source.to_string(), stream), |row| json(row, "state"))
                .optional()?)
        })
    }
}
