//! Needs: what the owner is needed for, from when it arose to when it was over.

use freehold_core::Timestamp;
use rusqlite::Row;

use super::KEPT;
use crate::row::{millis, time, time_or_none};
use crate::{DataDb, Result};

/// Something the owner is needed for, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedNow {
    /// Of what: a source's id, or another name. There is one need at a time of each.
    pub subject: String,
    /// Why, by its stable name.
    pub reason: String,
    /// A few words.
    pub title: String,
    /// One sentence.
    pub body: String,
    /// The page where it is answered.
    pub path: String,
    /// Whether somebody waits for the answer.
    pub urgent: bool,
}

/// A need over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedRow {
    /// Its number.
    pub n: i64,
    /// What is needed.
    pub need: NeedNow,
    /// Since when.
    pub arose_at: Timestamp,
    /// When a message told of it.
    pub told_at: Option<Timestamp>,
    /// When another reminded of it.
    pub reminded_at: Option<Timestamp>,
}

/// One change of what the owner is needed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeedChange {
    /// One arose.
    Begin(NeedNow),
    /// One is over.
    End(i64),
    /// One is answered at another page now.
    Move(i64, String),
}

impl DataDb {
    /// The needs that are not over, the oldest first.
    pub fn open_needs(&self) -> Result<Vec<NeedRow>> {
        self.read("reading what the owner is needed for", |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM needs WHERE ended_at IS NULL ORDER BY n")?;
            let rows = statement.query_map([], need_row)?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Changes what the owner is needed for, all at once. Those told of long ago and over are forgotten.
    pub fn change_needs(&self, changes: Vec<NeedChange>, at: Timestamp) -> Result<()> {
        self.write("noting what the owner is needed for", move |connection| {
            for change in &changes {
                match change {
                    NeedChange::Begin(need) => connection.execute(
                        "INSERT INTO needs (subject, reason, title, body, path, urgent, arose_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                        (&need.subject, &need.reason, &need.title, &need.body, &need.path, need.urgent, millis(at)),
                    )?,
                    NeedChange::End(n) => connection.execute("UPDATE needs SET ended_at = ?2 WHERE n = ?1", (n, millis(at)))?,
                    NeedChange::Move(n, path) => connection.execute("UPDATE needs SET path = ?2 WHERE n = ?1", (n, path))?,
                };
            }
            connection.execute(
                "DELETE FROM needs WHERE ended_at IS NOT NULL AND n <= (SELECT max(n) FROM needs) - ?1",
                [KEPT],
            )?;
            Ok(())
        })
    }
}

fn need_row(row: &Row<'_>) -> rusqlite::Result<NeedRow> {
    Ok(NeedRow {
        n: row.get("n")?,
        need: NeedNow {
            subject: row.get("subject")?,
            reason: row.get("reason")?,
            title: row.get("title")?,
            body: row.get("body")?,
            path: row.get("path")?,
            urgent: row.get("urgent")?,
        },
        arose_at: time(row, "arose_at")?,
        told_at: time_or_none(row, "told_at")?,
        reminded_at: time_or_none(row, "reminded_at")?,
    })
}
