//! The channels: ways to reach the owner.

use freehold_core::Timestamp;
use freehold_core::id::ChannelId;
use rusqlite::Row;
use serde_json::Value;

use crate::row::{json, millis, parsed, time, to_json};
use crate::{DataDb, Result, StoreError};

/// A way to reach the owner. Its secret is in `vault.db`.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelRow {
    /// Its id.
    pub id: ChannelId,
    /// Its settings.
    pub settings: Value,
    /// Whether it has a secret.
    pub has_secret: bool,
    /// Since when.
    pub created_at: Timestamp,
}

impl DataDb {
    /// Adds a channel, or changes the one with this id.
    pub fn put_channel(&self, row: ChannelRow) -> Result<()> {
        self.write("keeping a channel", move |connection| {
            connection.execute(
                "INSERT INTO channels (id, settings, has_secret, created_at) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (id) DO UPDATE SET settings = ?2, has_secret = ?3",
                (row.id.to_string(), to_json(&row.settings)?, row.has_secret, millis(row.created_at)),
            )?;
            Ok(())
        })
    }

    /// The channels, the oldest first.
    pub fn channels(&self) -> Result<Vec<ChannelRow>> {
        self.read("reading the channels", |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM channels ORDER BY created_at, id")?;
            let rows = statement.query_map([], channel_row)?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Removes a channel; what still waited to go out by it is dropped.
    pub fn delete_channel(&self, id: ChannelId, at: Timestamp) -> Result<()> {
        self.write("removing a channel", move |connection| {
            if connection.execute("DELETE FROM channels WHERE id = ?1", [id.to_string()])? == 0 {
                return Err(StoreError::not_found(format!("channel {id}")));
            }
            connection.execute(
                "UPDATE deliveries SET state = 'dropped', at = ?2, note = 'The channel was removed.' \
                 WHERE channel = ?1 AND state = 'waiting'",
                (id.to_string(), millis(at)),
            )?;
            Ok(())
        })
    }
}

fn channel_row(row: &Row<'_>) -> rusqlite::Result<ChannelRow> {
    Ok(ChannelRow {
        id: parsed(row, "id", ChannelId::parse)?,
        settings: json(row, "settings")?,
        has_secret: row.get("has_secret")?,
        created_at: time(row, "created_at")?,
    })
}
