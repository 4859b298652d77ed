//! Receipts, the runs that still lack one, and the proofs of the ephemeral mode.

use std::path::PathBuf;

use freehold_core::receipt::Receipt;
use freehold_core::{ConnectorName, ReceiptId, RunId, SourceId, Timestamp};
use rusqlite::OptionalExtension;
use serde_json::Value;

use super::{DataDb, run};
use crate::row::{json, millis, parsed, to_json};
use crate::{Result, StoreError};

/// An ephemeral run that no verified receipt tells of yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnwipedRun {
    /// The run.
    pub run: RunId,
    /// Its source.
    pub source: SourceId,
    /// The directory everything of it is in.
    pub directory: PathBuf,
    /// Whether it is over.
    pub ended: bool,
}

impl DataDb {
    /// Notes, before anything is put there, that an ephemeral run keeps everything in this directory.
    pub fn will_need_wipe(&self, run: RunId, directory: PathBuf) -> Result<()> {
        self.write("noting what is to be wiped", move |connection| {
            let n = run::number(connection, run)?;
            connection.execute("UPDATE runs SET unwiped = ?2 WHERE n = ?1", (n, directory.to_string_lossy()))?;
            Ok(())
        })
    }

    /// The ephemeral runs without a verified receipt, oldest first.
    pub fn unwiped_runs(&self) -> Result<Vec<UnwipedRun>> {
        self.read("reading what is to be wiped", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, source, unwiped, ended_at IS NOT NULL AS ended FROM runs WHERE unwiped IS NOT NULL ORDER BY n",
            )?;
            let rows = statement
                .query_map([], |row| {
                    Ok(UnwipedRun {
                        run: parsed(row, "id", RunId::parse)?,
                        source: parsed(row, "source", SourceId::parse)?,
                        directory: row.get::<_, String>("unwiped")?.into(),
                        ended: row.get("ended")?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Keeps a receipt; on its run's timeline too, if it is of one. A verified one ends that the run needs a wipe.
    pub fn put_receipt(&self, receipt: Receipt) -> Result<()> {
        let at = self.now();
        self.write("keeping a receipt", move |connection| {
            connection.execute(
                "INSERT INTO receipts (id, source, run, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    receipt.id.to_string(),
                    receipt.source.to_string(),
                    receipt.run.map(|run| run.to_string()),
                    millis(receipt.at),
                    to_json(&receipt)?,
                ),
            )?;
            let Some(run) = receipt.run else { return Ok(()) };
            let note = serde_json::json!({ "receipt": receipt.id, "verified": receipt.is_verified() });
            let n = run::append_note(connection, run, "receipt", &note, at)?;
            if receipt.is_verified() {
                connection.execute("UPDATE runs SET unwiped = NULL WHERE n = ?1", [n])?;
            }
            Ok(())
        })
    }

    /// A receipt.
    pub fn receipt(&self, id: ReceiptId) -> Result<Option<Receipt>> {
        self.read("reading a receipt", |connection| {
            Ok(connection
                .prepare_cached("SELECT body FROM receipts WHERE id = ?1")?
                .query_row([id.to_string()], |row| json(row, "body"))
                .optional()?)
        })
    }

    /// Up to `limit` receipts, of one source or of all, the newest first.
    pub fn receipts(&self, source: Option<SourceId>, limit: usize) -> Result<Vec<Receipt>> {
        self.read("reading receipts", |connection| {
            let mut statement = connection
                .prepare_cached("SELECT body FROM receipts WHERE ?1 IS NULL OR source = ?1 ORDER BY n DESC LIMIT ?2")?;
            let rows = statement
                .query_map((source.map(|source| source.to_string()), limit), |row| json(row, "body"))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// The newest receipt of a run.
    pub fn receipt_of(&self, run: RunId) -> Result<Option<Receipt>> {
        self.read("reading a run's receipt", |connection| {
            Ok(connection
                .prepare_cached("SELECT body FROM receipts WHERE run = ?1 ORDER BY n DESC LIMIT 1")?
                .query_row([run.to_string()], |row| json(row, "body"))
                .optional()?)
        })
    }

    /// Keeps what a proof of a connector showed, in place of the one before.
    pub fn put_proof(&self, connector: ConnectorName, at: Timestamp, body: Value) -> Result<()> {
        self.write("keeping a proof", move |connection| {
            connection
                .execute(
                    "INSERT OR REPLACE INTO proofs (connector, at, body) VALUES (?1, ?2, ?3)",
                    (connector.as_str(), millis(at), to_json(&body)?),
                )
                .map(drop)
                .map_err(StoreError::from)
        })
    }

    /// The last proof of a connector.
    pub fn proof(&self, connector: &ConnectorName) -> Result<Option<Value>> {
        self.read("reading a proof", |connection| {
            Ok(connection
                .prepare_cached("SELECT body FROM proofs WHERE connector = ?1")?
                .query_row([connector.as_str()], |row| json(row, "body"))
                .optional()?)
        })
    }
}
