//! The sealed secrets of channels of notifications.

use freehold_core::id::ChannelId;
use freehold_core::{SealedBytes, Timestamp};
use rusqlite::OptionalExtension;

use super::{VaultDb, audit};
use crate::row::millis;
use crate::{AuditMake, Result};

impl VaultDb {
    /// Keeps a channel's secret, in the place of the one it has. The old one's bytes are gone when this returns.
    pub fn put_channel_secret(
        &self,
        channel: ChannelId,
        sealed: SealedBytes,
        at: Timestamp,
        audit: AuditMake,
    ) -> Result<()> {
        self.write("keeping a channel's secret", move |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO channel_secrets (channel, sealed, created_at) VALUES (?1, ?2, ?3)",
                (channel.to_string(), sealed.0, millis(at)),
            )?;
            audit::append(connection, audit)
        })?;
        self.database.truncate_log()
    }

    /// A channel's sealed secret.
    pub fn channel_secret(&self, channel: ChannelId) -> Result<Option<SealedBytes>> {
        self.read("reading a channel's secret", |connection| {
            Ok(connection
                .prepare_cached("SELECT sealed FROM channel_secrets WHERE channel = ?1")?
                .query_row([channel.to_string()], |row| Ok(SealedBytes(row.get(0)?)))
                .optional()?)
        })
    }

    /// Destroys a channel's secret; nothing if it has none.
    pub fn delete_channel_secret(&self, channel: ChannelId, audit: AuditMake) -> Result<()> {
        self.write("destroying a channel's secret", move |connection| {
            connection.execute("DELETE FROM channel_secrets WHERE channel = ?1", [channel.to_string()])?;
            audit::append(connection, audit)
        })?;
        self.database.truncate_log()
    }
}
