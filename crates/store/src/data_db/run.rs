//! Runs, their states and their timelines.

use freehold_core::run::{Cause, Counts, Outcome, RunEvent, RunState};
use freehold_core::{RunId, SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::Value;

use super::{DataDb, held};
use crate::row::{json, json_or_none, millis, named, parsed, time, time_or_none, to_json};
use crate::{Result, StoreError};

/// How much of a run's standard error is kept: the last of it, bytes.
const STDERR_LIMIT: usize = 64 * 1024;

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// Its source.
    pub source: SourceId,
    /// Why it was started.
    pub cause: Cause,
    /// Where it stands.
    pub state: RunState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When a server took it up.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What became of its records; kept up to date while it runs.
    pub counts: Counts,
    /// What exactly went wrong.
    pub detail: Option<String>,
    /// The run it repeats.
    pub retry_of: Option<RunId>,
}

/// One entry of a run's timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineEntry {
    /// Its place, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The run's state after it, by name.
    pub state: String,
    /// What happened: an event of the run, or the kind of a note.
    pub event: String,
    /// Details.
    pub note: Option<Value>,
}

impl DataDb {
    /// Adds a run. A conflict if its source has one that is not over: this is what makes admission durable.
    pub fn insert_run(&self, row: RunRow) -> Result<()> {
        self.write("adding a run", move |connection| {
            insert(connection, &row).map_err(|e| e.unique_means(|| format!("a run of {} is under way already", row.source)))
        })
    }

    /// Moves a run on and writes it on its timeline. A conflict if `event` has no place in its state.
    pub fn transition(&self, run: RunId, event: RunEvent, note: Option<Value>) -> Result<RunState> {
        let at = self.now();
        let batch = matches!(event, RunEvent::Batch);
        let work = move |connection: &Connection| advance(connection, run, event, note, at);
        // A batch reaches the disk with its records, not before them.
        if batch { self.write_soon("moving a run on", work) } else { self.write("moving a run on", work) }
    }

    /// Writes a note on a run's timeline, without a change of state.
    pub fn note(&self, run: RunId, kind: &str, note: Value) -> Result<()> {
        let (kind, at) = (kind.to_owned(), self.now());
        self.write_soon("noting something on a run", move |connection| {
            append_note(connection, run, &kind, &note, at).map(drop)
        })
    }

    /// Sets what exactly went wrong.
    pub fn set_run_detail(&self, run: RunId, detail: &str) -> Result<()> {
        let detail = detail.to_owned();
        self.write("noting a run's detail", move |connection| {
            let (n, _) = state_of(connection, run)?;
            connection.execute("UPDATE runs SET detail = ?2 WHERE n = ?1", (n, detail))?;
            Ok(())
        })
    }

    /// A run.
    pub fn run(&self, id: RunId) -> Result<Option<RunRow>> {
        self.read("reading a run", |connection| one(connection, "WHERE id = ?1", [id.to_string()]))
    }

    /// Up to `limit` runs of a source, the newest first, before the run `before`.
    pub fn runs(&self, source: SourceId, limit: usize, before: Option<RunId>) -> Result<Vec<RunRow>> {
        self.read("reading a source's runs", |connection| {
            let before = before.map(|run| number(connection, run)).transpose()?.unwrap_or(i64::MAX);
            many(connection, "WHERE source = ?1 AND n < ?2 ORDER BY n DESC LIMIT ?3", (source.to_string(), before, limit))
        })
    }

    /// Every run that is not over.
    pub fn unfinished_runs(&self) -> Result<Vec<RunRow>> {
        self.read("reading unfinished runs", |connection| many(connection, "WHERE ended_at IS NULL ORDER BY n", []))
    }

    /// The run of a source that is not over, if there is one.
    pub fn unfinished_run_of(&self, source: SourceId) -> Result<Option<RunRow>> {
        self.read("reading a source's run", |connection| {
            one(connection, "WHERE source = ?1 AND ended_at IS NULL", [source.to_string()])
        })
    }

    /// The queued runs whose time has come, the longest waiting first.
    pub fn queued_due(&self, now: Timestamp) -> Result<Vec<RunRow>> {
        self.read("reading queued runs", |connection| {
            many(connection, "WHERE queued_for IS NOT NULL AND queued_for <= ?1 ORDER BY queued_for, n", [millis(now)])
        })
    }

    /// When the next queued run's time comes, be it in the past.
    pub fn next_queued_at(&self) -> Result<Option<Timestamp>> {
        self.read("reading queued runs", |connection| {
            Ok(connection
                .prepare_cached("SELECT queued_for FROM runs WHERE queued_for IS NOT NULL ORDER BY queued_for LIMIT 1")?
                .query_row([], |row| time(row, "queued_for"))
                .optional()?)
        })
    }

    /// A source's last run that is over.
    pub fn last_ended(&self, source: SourceId) -> Result<Option<RunRow>> {
        self.read("reading a source's last run", |connection| {
            one(connection, "WHERE source = ?1 AND ended_at IS NOT NULL ORDER BY n DESC LIMIT 1", [source.to_string()])
        })
    }

    /// A run's timeline after the entry `after_seq`.
    pub fn timeline(&self, run: RunId, after_seq: u64) -> Result<Vec<TimelineEntry>> {
        self.read("reading a run's timeline", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM timeline WHERE run = ?1 AND seq > ?2 ORDER BY seq")?;
            let rows = statement
                .query_map((number(connection, run)?, after_seq), |row| {
                    Ok(TimelineEntry {
                        seq: row.get("seq")?,
                        at: time(row, "at")?,
                        state: row.get("state")?,
                        event: row.get("event")?,
                        note: json_or_none(row, "note")?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Adds to a run's standard error, of which the last 64 KiB are kept.
    pub fn append_stderr(&self, run: RunId, text: &str) -> Result<()> {
        let added = text[tail_start(text, STDERR_LIMIT)..].to_owned();
        self.write_soon("keeping a run's standard error", move |connection| {
            let n = number(connection, run)?;
            let mut all = stderr(connection, n)?;
            all.push_str(&added);
            let kept = &all[tail_start(&all, STDERR_LIMIT)..];
            connection
                .prepare_cached("INSERT OR REPLACE INTO run_stderr (run, text) VALUES (?1, ?2)")?
                .execute((n, kept))?;
            Ok(())
        })
    }

    /// What is kept of a run's standard error.
    pub fn stderr(&self, run: RunId) -> Result<String> {
        self.read("reading a run's standard error", |connection| stderr(connection, number(connection, run)?))
    }
}

/// The number rows of a run refer to it by.
pub(super) fn number(connection: &Connection, run: RunId) -> Result<i64> {
    connection
        .prepare_cached("SELECT n FROM runs WHERE id = ?1")?
        .query_row([run.to_string()], |row| row.get(0))
        .optional()?
        .ok_or_else(|| StoreError::not_found(format!("run {run}")))
}

/// The number of a run that is not over.
pub(super) fn number_of_unfinished(connection: &Connection, run: RunId) -> Result<i64> {
    let (n, state) = state_of(connection, run)?;
    if state.is_ended() { Err(StoreError::conflict(format!("{run} is over"))) } else { Ok(n) }
}

/// Refuses unless the run is one of this source.
pub(super) fn must_be_of(connection: &Connection, n: i64, source: SourceId) -> Result<()> {
    let of = source_of(connection, n)?;
    if of == source { Ok(()) } else { Err(StoreError::conflict(format!("this run is one of {of}, not of {source}"))) }
}

/// The source of a run.
pub(super) fn source_of(connection: &Connection, n: i64) -> Result<SourceId> {
    Ok(connection
        .prepare_cached("SELECT source FROM runs WHERE n = ?1")?
        .query_row([n], |row| parsed(row, "source", SourceId::parse))?)
}

/// Moves a run on within a transaction.
pub(super) fn advance(
    connection: &Connection,
    run: RunId,
    event: RunEvent,
    note: Option<Value>,
    at: Timestamp,
) -> Result<RunState> {
    let (n, state) = state_of(connection, run)?;
    let name = event.as_str();
    let state = state.after(event).map_err(|e| StoreError::conflict(format!("{run}: {e}")))?;
    connection
        .prepare_cached("UPDATE runs SET state = ?2, queued_for = NULL, started_at = iif(?3, ?4, started_at) WHERE n = ?1")?
        .execute((n, to_json(&state)?, matches!(state, RunState::Admitted { .. }), millis(at)))?;
    if let RunState::Ended { outcome, counts } = &state {
        connection.prepare_cached("UPDATE runs SET ended_at = ?2, outcome = ?3 WHERE n = ?1")?.execute((
            n,
            millis(at),
            to_json(outcome)?,
        ))?;
        set_counts(connection, n, counts)?;
        // What the run did not release before its end was never confirmed to be of the right account.
        held::drop_held(connection, n)?;
    }
    append_timeline(connection, n, at, state.as_str(), name, note.as_ref())?;
    Ok(state)
}

pub(super) fn set_counts(connection: &Connection, n: i64, counts: &Counts) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE runs SET emitted = ?2, added = ?3, changed = ?4, unchanged = ?5, deleted = ?6, rejected = ?7 WHERE n = ?1",
        )?
        .execute((
            n,
            counts.emitted,
            counts.added,
            counts.changed,
            counts.unchanged,
            counts.deleted,
            counts.rejected,
        ))?;
    Ok(())
}

pub(super) fn add_counts(connection: &Connection, n: i64, counts: &Counts) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE runs SET emitted = emitted + ?2, added = added + ?3, changed = changed + ?4, \
             unchanged = unchanged + ?5, deleted = deleted + ?6, rejected = rejected + ?7 WHERE n = ?1",
        )?
        .execute((n, counts.emitted, counts.added, counts.changed, counts.unchanged, counts.deleted, counts.rejected))?;
    Ok(())
}

fn insert(connection: &Connection, row: &RunRow) -> Result<()> {
    let queued_for = match &row.state {
        RunState::Queued { due_at, .. } => Some(millis(*due_at)),
        _ => None,
    };
    connection
        .prepare_cached(
            "INSERT INTO runs (id, source, cause, state, queued_for, created_at, started_at, ended_at, outcome, \
             emitted, added, changed, unchanged, deleted, rejected, detail, retry_of) \
             VALUES (:id, :source, :cause, :state, :queued_for, :created_at, :started_at, :ended_at, :outcome, \
             :emitted, :added, :changed, :unchanged, :deleted, :rejected, :detail, :retry_of)",
        )?
        .execute(named_params! {
            ":id": row.id.to_string(),
            ":source": row.source.to_string(),
            ":cause": row.cause.as_str(),
            ":state": to_json(&row.state)?,
            ":queued_for": queued_for,
            ":created_at": millis(row.created_at),
            ":started_at": row.started_at.map(millis),
            ":ended_at": row.ended_at.map(millis),
            ":outcome": row.outcome.as_ref().map(to_json).transpose()?,
            ":emitted": row.counts.emitted,
            ":added": row.counts.added,
            ":changed": row.counts.changed,
            ":unchanged": row.counts.unchanged,
            ":deleted": row.counts.deleted,
            ":rejected": row.counts.rejected,
            ":detail": row.detail,
            ":retry_of": row.retry_of.map(|run| run.to_string()),
        })?;
    append_timeline(connection, connection.last_insert_rowid(), row.created_at, row.state.as_str(), "queue", None)
}

/// Writes a note on a run's timeline within a transaction; returns the run's number.
pub(super) fn append_note(connection: &Connection, run: RunId, kind: &str, note: &Value, at: Timestamp) -> Result<i64> {
    let (n, state) = state_of(connection, run)?;
    append_timeline(connection, n, at, state.as_str(), kind, Some(note))?;
    Ok(n)
}

fn append_timeline(
    connection: &Connection,
    n: i64,
    at: Timestamp,
    state: &str,
    event: &str,
    note: Option<&Value>,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO timeline (run, seq, at, state, event, note) \
             SELECT ?1, ifnull(max(seq), 0) + 1, ?2, ?3, ?4, ?5 FROM timeline WHERE run = ?1",
        )?
        .execute((n, millis(at), state, event, note.map(to_json).transpose()?))?;
    Ok(())
}

fn state_of(connection: &Connection, run: RunId) -> Result<(i64, RunState)> {
    connection
        .prepare_cached("SELECT n, state FROM runs WHERE id = ?1")?
        .query_row([run.to_string()], |row| Ok((row.get("n")?, json(row, "state")?)))
        .optional()?
        .ok_or_else(|| StoreError::not_found(format!("run {run}")))
}

fn stderr(connection: &Connection, n: i64) -> Result<String> {
    Ok(connection
        .prepare_cached("SELECT text FROM run_stderr WHERE run = ?1")?
        .query_row([n], |row| row.get(0))
        .optional()?
        .unwrap_or_default())
}

/// Where the last `limit` bytes of `text` begin, at a whole character.
fn tail_start(text: &str, limit: usize) -> usize {
    let least = text.len().saturating_sub(limit);
    (least..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len())
}

fn one(connection: &Connection, rest: &str, given: impl rusqlite::Params) -> Result<Option<RunRow>> {
    let mut statement = connection.prepare_cached(&format!("SELECT * FROM runs {rest}"))?;
    Ok(statement.query_row(given, run_row).optional()?)
}

fn many(connection: &Connection, rest: &str, given: impl rusqlite::Params) -> Result<Vec<RunRow>> {
    let mut statement = connection.prepare_cached(&format!("SELECT * FROM runs {rest}"))?;
    let rows = statement.query_map(given, run_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(rows)
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let retry_of: Option<String> = row.get("retry_of")?;
    Ok(RunRow {
        id: parsed(row, "id", RunId::parse)?,
        source: parsed(row, "source", SourceId::parse)?,
        cause: named(row, "cause", Cause::parse)?,
        state: json(row, "state")?,
        created_at: time(row, "created_at")?,
        started_at: time_or_none(row, "started_at")?,
        ended_at: time_or_none(row, "ended_at")?,
        outcome: json_or_none(row, "outcome")?,
        counts: Counts {
            emitted: row.get("emitted")?,
            added: row.get("added")?,
            changed: row.get("changed")?,
            unchanged: row.get("unchanged")?,
            deleted: row.get("deleted")?,
            rejected: row.get("rejected")?,
        },
        detail: row.get("detail")?,
        retry_of: retry_of.map(|_| parsed(row, "retry_of", RunId::parse)).transpose()?,
    })
}
