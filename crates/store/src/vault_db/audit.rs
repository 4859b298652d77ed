//! The audit chain: each row carries the hash of all before it. Hashing and checking are the vault's; here is only the order.

use freehold_core::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::VaultDb;
use crate::row::parsed;
use crate::{Result, StoreError};

/// The end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The last row's place, from 1; 0 while there is none.
    pub seq: u64,
    /// The last row's hash; zeros while there is none.
    pub hash: [u8; 32],
}

/// One event of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place, from 1, without gaps.
    pub seq: u64,
    /// When, to the nanosecond: the hash covers it.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// Of what.
    pub subject: String,
    /// The rest, as the exact text the hash covers.
    pub detail_json: String,
    /// The chain up to and with this row.
    pub hash: [u8; 32],
}

/// Makes the next row from the head, and authenticates the new head if the vault is unlocked. It runs inside the transaction of what
/// it tells of, so that neither is there without the other.
pub type AuditMake = Box<dyn FnOnce(AuditHead) -> (AuditRow, Option<[u8; 32]>) + Send>;

impl VaultDb {
    /// Adds an event that goes with no other change; returns the end of the chain, which it is.
    pub fn append_audit(&self, make: AuditMake) -> Result<AuditHead> {
        self.write("writing the audit log", move |connection| {
            append(connection, make)?;
            head(connection)
        })
    }

    /// Up to `limit` rows after `after_seq`, oldest first.
    pub fn audit(&self, after_seq: u64, limit: usize) -> Result<Vec<AuditRow>> {
        self.read("reading the audit log", |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
            let rows = statement.query_map((after_seq, limit), audit_row)?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// The newest `limit` rows before `before_seq`, newest first; all of them if it is `None`.
    pub fn latest_audit(&self, before_seq: Option<u64>, limit: usize) -> Result<Vec<AuditRow>> {
        self.read("reading the audit log", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2")?;
            let before = before_seq.unwrap_or(i64::MAX as u64);
            let rows = statement.query_map((before, limit), audit_row)?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// The head, and its authentication if it has one: rows added while the vault was locked have none.
    pub fn audit_head(&self) -> Result<(AuditHead, Option<[u8; 32]>)> {
        self.read("reading the audit log", |connection| {
            let head = head(connection)?;
            let mac = connection
                .query_row("SELECT mac FROM audit_mac WHERE seq = ?1", [head.seq], |row| row.get("mac"))
                .optional()?;
            Ok((head, mac))
        })
    }

    /// The last head that was authenticated, by its place: a chain that ends before it was cut short.
    pub fn audit_mac(&self) -> Result<Option<(u64, [u8; 32])>> {
        self.read("reading the audit log", |connection| {
            Ok(connection
                .query_row("SELECT seq, mac FROM audit_mac", [], |row| Ok((row.get("seq")?, row.get("mac")?)))
                .optional()?)
        })
    }
}

pub(super) fn append(connection: &Connection, make: AuditMake) -> Result<()> {
    let head = head(connection)?;
    let (row, mac) = make(head);
    if row.seq != head.seq + 1 {
        return Err(StoreError::conflict(format!("audit row {} cannot follow row {}", row.seq, head.seq)));
    }
    connection
        .prepare_cached(
            "INSERT INTO audit (seq, at, actor, action, subject, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((row.seq, row.at.to_string(), row.actor, row.action, row.subject, row.detail_json, row.hash))?;
    if let Some(mac) = mac {
        connection.execute("INSERT OR REPLACE INTO audit_mac (one, seq, mac) VALUES (1, ?1, ?2)", (row.seq, mac))?;
    }
    Ok(())
}

fn head(connection: &Connection) -> Result<AuditHead> {
    let last = connection
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok(AuditHead { seq: row.get("seq")?, hash: row.get("hash")? }))
        .optional()?;
    Ok(last.unwrap_or(AuditHead { seq: 0, hash: [0; 32] }))
}

fn audit_row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        seq: row.get("seq")?,
        at: parsed(row, "at", str::parse::<Timestamp>)?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        subject: row.get("subject")?,
        detail_json: row.get("detail")?,
        hash: row.get("hash")?,
    })
}
