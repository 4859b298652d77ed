//! Interactions: what is asked of the owner, at most one at a time per source.

use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::reason::OwnerReason;
use freehold_core::{InteractionId, RunId, SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use super::DataDb;
use crate::row::{json, json_or_none, millis, named, parsed, time, time_or_none, to_json};
use crate::{Result, StoreError};

/// An interaction.
#[derive(Clone, Debug, PartialEq)]
pub struct InteractionRow {
    /// Its id.
    pub id: InteractionId,
    /// For which source.
    pub source: SourceId,
    /// The run that waits for it, if one does.
    pub run: Option<RunId>,
    /// What is asked for.
    pub kind: InteractionKind,
    /// Where it stands.
    pub state: InteractionState,
    /// Why it is asked.
    pub reason: OwnerReason,
    /// The words of who asks.
    pub message: String,
    /// What an answer looks like, as JSON Schema.
    pub schema: Option<Value>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it lapses.
    pub deadline: Option<Timestamp>,
    /// When it ended, however it did.
    pub answered_at: Option<Timestamp>,
    /// What is shown with it, such as the accounts to compare; nothing secret.
    pub data: Option<Value>,
}

impl DataDb {
    /// Asks. A conflict if the source has a question open.
    pub fn open_interaction(&self, row: InteractionRow) -> Result<()> {
        self.write("asking the owner", move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO interactions (id, source, run, kind, state, reason, message, schema, asked_at, deadline, \
                     answered_at, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                )?
                .execute((
                    row.id.to_string(),
                    row.source.to_string(),
                    row.run.map(|run| run.to_string()),
                    row.kind.as_str(),
                    row.state.as_str(),
                    to_json(&row.reason)?,
                    &row.message,
                    row.schema.as_ref().map(to_json).transpose()?,
                    millis(row.asked_at),
                    row.deadline.map(millis),
                    row.answered_at.map(millis),
                    row.data.as_ref().map(to_json).transpose()?,
                ))
                .map_err(|e| StoreError::from(e).unique_means(|| format!("{} has a question open already", row.source)))?;
            Ok(())
        })
    }

    /// Ends a question and returns it. A conflict if it is no longer open.
    pub fn resolve_interaction(&self, id: InteractionId, state: InteractionState, at: Timestamp) -> Result<InteractionRow> {
        self.write("ending a question", move |connection| {
            let mut row = get(connection, id)?.ok_or_else(|| StoreError::not_found(format!("question {id}")))?;
            if !row.state.may_become(state) {
                return Err(StoreError::conflict(format!("the question is {} and no longer open", row.state.as_str())));
            }
            connection.prepare_cached("UPDATE interactions SET state = ?2, answered_at = ?3 WHERE id = ?1")?.execute((
                id.to_string(),
                state.as_str(),
                millis(at),
            ))?;
            row.state = state;
            row.answered_at = Some(at);
            Ok(row)
        })
    }

    /// An interaction.
    pub fn interaction(&self, id: InteractionId) -> Result<Option<InteractionRow>> {
        self.read("reading a question", |connection| get(connection, id))
    }

    /// Every open interaction, the oldest first.
    pub fn open_interactions(&self) -> Result<Vec<InteractionRow>> {
        self.read("reading open questions", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM interactions WHERE state = 'open' ORDER BY asked_at, id")?;
            let rows = statement.query_map([], interaction_row)?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// The open interaction of a source, if there is one.
    pub fn open_interaction_of(&self, source: SourceId) -> Result<Option<InteractionRow>> {
        self.read("reading a source's question", |connection| {
            Ok(connection
                .prepare_cached("SELECT * FROM interactions WHERE state = 'open' AND source = ?1")?
                .query_row([source.to_string()], interaction_row)
                .optional()?)
        })
    }
}

fn get(connection: &Connection, id: InteractionId) -> Result<Option<InteractionRow>> {
    Ok(connection
        .prepare_cached("SELECT * FROM interactions WHERE id = ?1")?
        .query_row([id.to_string()], interaction_row)
        .optional()?)
}

fn interaction_row(row: &Row<'_>) -> rusqlite::Result<InteractionRow> {
    let run: Option<String> = row.get("run")?;
    Ok(InteractionRow {
        id: parsed(row, "id", InteractionId::parse)?,
        source: parsed(row, "source", SourceId::parse)?,
        run: run.map(|_| parsed(row, "run", RunId::parse)).transpose()?,
        kind: named(row, "kind", InteractionKind::parse)?,
        state: named(row, "state", InteractionState::parse)?,
        reason: json(row, "reason")?,
        message: row.get("message")?,
        schema: json_or_none(row, "schema")?,
        asked_at: time(row, "asked_at")?,
        deadline: time_or_none(row, "deadline")?,
        answered_at: time_or_none(row, "answered_at")?,
        data: json_or_none(row, "data")?,
    })
}
