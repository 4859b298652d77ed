//! Sources, and which of them are due.

use freehold_core::identity::IdentityState;
use freehold_core::{ConnectorName, CredentialMode, OwnerId, SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::{Map, Value};

use super::{DataDb, stream};
use crate::row::{json, millis, named, parsed, time, time_or_none, to_json};
use crate::{Result, StoreError};

/// A source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRow {
    /// Its id.
    pub id: SourceId,
    /// Whose.
    pub owner: OwnerId,
    /// Its connector.
    pub connector: ConnectorName,
    /// The owner's name for it.
    pub name: String,
    /// How it signs in.
    pub mode: CredentialMode,
    /// Its settings; nothing secret.
    pub settings: Map<String, Value>,
    /// The account the owner named at setup.
    pub expected_account: Option<String>,
    /// The account it belongs to.
    pub identity: IdentityState,
    /// Whether the owner paused it.
    pub paused: bool,
    /// Seconds between scheduled runs; none if it runs only when asked.
    pub interval_seconds: Option<u64>,
    /// When its next run is due.
    pub next_due_at: Option<Timestamp>,
    /// Failed runs in a row, from which the wait before the next one grows.
    pub failures: u32,
    /// The connector's folder as the owner last agreed to it.
    pub connector_digest: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// When a run last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// Whether a run ever succeeded.
    pub ever_collected: bool,
}

/// What makes a source due: its time has come, and no run of it is under way. One in the ephemeral mode is only its owner's to run.
const DUE: &str = "next_due_at IS NOT NULL AND paused = 0 AND removed = 0 AND mode <> 'ephemeral_browser' \
    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.source = sources.id AND runs.ended_at IS NULL)";

impl DataDb {
    /// Adds a source.
    pub fn insert_source(&self, row: SourceRow) -> Result<()> {
        self.write("adding a source", move |connection| {
            put(connection, &row, "INSERT").map_err(|e| e.unique_means(|| format!("there is a source {} already", row.id)))
        })
    }

    /// A source that was not removed.
    pub fn source(&self, id: SourceId) -> Result<Option<SourceRow>> {
        self.read("reading a source", |connection| get(connection, id))
    }

    /// A source that was removed, whose records were kept.
    pub fn removed_source(&self, id: SourceId) -> Result<Option<SourceRow>> {
        self.read("reading a removed source", |connection| find(connection, id, true))
    }

    /// An owner's sources, in the order they were added.
    pub fn sources(&self, owner: OwnerId) -> Result<Vec<SourceRow>> {
        self.read("reading the sources", |connection| list(connection, owner, false))
    }

    /// An owner's removed sources whose records were kept.
    pub fn removed_sources(&self, owner: OwnerId) -> Result<Vec<SourceRow>> {
        self.read("reading removed sources", |connection| list(connection, owner, true))
    }

    /// Changes a source in one transaction and returns it as it is then. `change` leaves id, owner and connector alone: they bind
    /// what is sealed.
    pub fn update_source(&self, id: SourceId, change: impl FnOnce(&mut SourceRow) + Send + 'static) -> Result<SourceRow> {
        self.write("changing a source", move |connection| update(connection, id, change))
    }

    /// Removes a source with its runs, questions, files and records. With `keep_records` it is only marked as removed: records,
    /// files and runs stay readable under its id, until it is removed without. A conflict while a run of it is under way.
    ///
    /// Records are out of sight when this returns; their room is given back as a deleted stream's is.
    pub fn remove_source(&self, id: SourceId, keep_records: bool) -> Result<()> {
        self.write("removing a source", move |connection| {
            let text = id.to_string();
            let known: bool =
                connection.query_row("SELECT EXISTS (SELECT 1 FROM sources WHERE id = ?1)", [&text], |row| row.get(0))?;
            if !known {
                return Err(StoreError::not_found(format!("source {id}")));
            }
            must_be_idle(connection, id)?;
            if keep_records {
                connection.execute("DELETE FROM cursors WHERE source = ?1", [&text])?;
                connection.execute("DELETE FROM interactions WHERE source = ?1", [&text])?;
                connection
                    .execute("UPDATE sources SET removed = 1, settings = '{}', next_due_at = NULL WHERE id = ?1", [&text])?;
                return Ok(());
            }
            stream::put_away(connection, id, None)?;
            connection.execute("DELETE FROM sources WHERE id = ?1", [&text])?;
            Ok(())
        })?;
        self.sweep_blobs()
    }

    /// Up to `limit` sources that are due, the longest due first.
    pub fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<SourceId>> {
        self.read("reading which sources are due", |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT id FROM sources WHERE next_due_at <= ?1 AND {DUE} ORDER BY next_due_at LIMIT ?2"
            ))?;
            let rows = statement
                .query_map((millis(now), limit), |row| parsed(row, "id", SourceId::parse))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// When the next source is due, be it in the past.
    pub fn next_due(&self) -> Result<Option<Timestamp>> {
        self.read("reading when a source is due", |connection| {
            Ok(connection
                .prepare_cached(&format!("SELECT next_due_at FROM sources WHERE {DUE} ORDER BY next_due_at LIMIT 1"))?
                .query_row([], |row| time(row, "next_due_at"))
                .optional()?)
        })
    }
}

/// A conflict while a run of this source is under way.
pub(super) fn must_be_idle(connection: &Connection, id: SourceId) -> Result<()> {
    let running = "SELECT EXISTS (SELECT 1 FROM runs WHERE source = ?1 AND ended_at IS NULL)";
    if connection.prepare_cached(running)?.query_row([id.to_string()], |row| row.get(0))? {
        return Err(StoreError::conflict("a run of this source is under way; cancel it first"));
    }
    Ok(())
}

pub(super) fn get(connection: &Connection, id: SourceId) -> Result<Option<SourceRow>> {
    find(connection, id, false)
}

fn find(connection: &Connection, id: SourceId, removed: bool) -> Result<Option<SourceRow>> {
    Ok(connection
        .prepare_cached("SELECT * FROM sources WHERE id = ?1 AND removed = ?2")?
        .query_row((id.to_string(), removed), source_row)
        .optional()?)
}

pub(super) fn update(connection: &Connection, id: SourceId, change: impl FnOnce(&mut SourceRow)) -> Result<SourceRow> {
    let before = get(connection, id)?.ok_or_else(|| StoreError::not_found(format!("source {id}")))?;
    let mut row = before.clone();
    change(&mut row);
    if (row.id, row.owner, &row.connector) != (before.id, before.owner, &before.connector) {
        return Err(StoreError::conflict("a source keeps its id, its owner and its connector"));
    }
    // Not REPLACE: that deletes the row first, and everything that hangs on it.
    put(connection, &row, "UPDATE")?;
    Ok(row)
}

fn list(connection: &Connection, owner: OwnerId, removed: bool) -> Result<Vec<SourceRow>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM sources WHERE owner = ?1 AND removed = ?2 ORDER BY created_at, id")?;
    let rows = statement.query_map((owner.to_string(), removed), source_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(rows)
}

fn put(connection: &Connection, row: &SourceRow, verb: &str) -> Result<()> {
    let sql = if verb == "INSERT" {
        "INSERT INTO sources (id, owner, connector, name, mode, settings, expected_account, identity, paused, \
         interval_seconds, next_due_at, failures, connector_digest, created_at, last_success_at, ever_collected) \
         VALUES (:id, :owner, :connector, :name, :mode, :settings, :expected_account, :identity, :paused, \
         :interval_seconds, :next_due_at, :failures, :connector_digest, :created_at, :last_success_at, :ever_collected)"
    } else {
        "UPDATE sources SET owner = :owner, connector = :connector, name = :name, mode = :mode, settings = :settings, \
         expected_account = :expected_account, identity = :identity, paused = :paused, \
         interval_seconds = :interval_seconds, next_due_at = :next_due_at, failures = :failures, \
         connector_digest = :connector_digest, created_at = :created_at, last_success_at = :last_success_at, \
         ever_collected = :ever_collected WHERE id = :id"
    };
    connection.prepare_cached(sql)?.execute(named_params! {
        ":id": row.id.to_string(),
        ":owner": row.owner.to_string(),
        ":connector": row.connector.as_str(),
        ":name": row.name,
        ":mode": row.mode.as_str(),
        ":settings": to_json(&row.settings)?,
        ":expected_account": row.expected_account,
        ":identity": to_json(&row.identity)?,
        ":paused": row.paused,
        ":interval_seconds": row.interval_seconds,
        ":next_due_at": row.next_due_at.map(millis),
        ":failures": row.failures,
        ":connector_digest": row.connector_digest,
        ":created_at": millis(row.created_at),
        ":last_success_at": row.last_success_at.map(millis),
        ":ever_collected": row.ever_collected,
    })?;
    Ok(())
}

fn source_row(row: &Row<'_>) -> rusqlite::Result<SourceRow> {
    Ok(SourceRow {
        id: parsed(row, "id", SourceId::parse)?,
        owner: parsed(row, "owner", OwnerId::parse)?,
        connector: parsed(row, "connector", ConnectorName::parse)?,
        name: row.get("name")?,
        mode: named(row, "mode", CredentialMode::parse)?,
        settings: json(row, "settings")?,
        expected_account: row.get("expected_account")?,
        identity: json(row, "identity")?,
        paused: row.get("paused")?,
        interval_seconds: row.get("interval_seconds")?,
        next_due_at: time_or_none(row, "next_due_at")?,
        failures: row.get("failures")?,
        connector_digest: row.get("connector_digest")?,
        created_at: time(row, "created_at")?,
        last_success_at: time_or_none(row, "last_success_at")?,
        ever_collected: row.get("ever_collected")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_looked_up_whatever_the_number_of_sources() {
        let connection = Connection::open_in_memory().expect("opened");
        connection.execute_batch(include_str!("../../migrations/data/001.sql")).expect("made");
        let plan: Vec<String> = connection
            .prepare(&format!(
                "EXPLAIN QUERY PLAN SELECT id FROM sources WHERE next_due_at <= 1 AND {DUE} ORDER BY next_due_at LIMIT 10"
            ))
            .expect("prepared")
            .query_map([], |row| row.get("detail"))
            .expect("planned")
            .collect::<rusqlite::Result<_>>()
            .expect("planned");
        assert!(plan[0].starts_with("SEARCH sources USING INDEX sources_due ("), "{plan:?}");
        assert!(plan.iter().all(|step| !step.contains("SCAN") && !step.contains("TEMP")), "{plan:?}");
    }
}
