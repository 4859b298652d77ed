//! Deliveries: one message by one channel, from waiting to its end.

use freehold_core::Timestamp;
use freehold_core::id::{ChannelId, MessageId};
use rusqlite::Row;

use crate::row::{millis, named, parsed, time};
use crate::{DataDb, Result};

/// How the delivery of a message by one channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// To be sent.
    Waiting,
    /// Being sent.
    Sending,
    /// The channel's server took it over.
    Sent,
    /// Given up.
    Failed,
    /// The server stopped while it was being sent. It is not sent again.
    Unknown,
    /// No longer needed before it was sent.
    Dropped,
}

names!(DeliveryState: Waiting = "waiting", Sending = "sending", Sent = "sent", Failed = "failed", Unknown = "unknown",
    Dropped = "dropped");

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// By which channel.
    pub channel: ChannelId,
    /// What a person knew the channel by.
    pub label: String,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next, while it waits.
    pub next_at: Timestamp,
    /// When it came to stand so.
    pub at: Timestamp,
    /// What the server said, or why it is not sent.
    pub note: Option<String>,
}

impl DataDb {
    /// Notes that a delivery begins. False if it does not wait any more.
    pub fn begin_delivery(&self, message: MessageId, channel: ChannelId, at: Timestamp) -> Result<bool> {
        self.write("beginning a delivery", move |connection| {
            let changed = connection.execute(
                "UPDATE deliveries SET state = 'sending', tries = tries + 1, at = ?3 \
                 WHERE message = (SELECT n FROM messages WHERE id = ?1) AND channel = ?2 AND state = 'waiting'",
                (message.to_string(), channel.to_string(), millis(at)),
            )?;
            Ok(changed == 1)
        })
    }

    /// Notes how a delivery stands. `next_at` is when it is tried next, if it waits.
    pub fn set_delivery(
        &self,
        message: MessageId,
        channel: ChannelId,
        state: DeliveryState,
        next_at: Timestamp,
        note: Option<String>,
        at: Timestamp,
    ) -> Result<()> {
        self.write("noting a delivery", move |connection| {
            connection.execute(
                "UPDATE deliveries SET state = ?3, next_at = ?4, note = ?5, at = ?6 \
                 WHERE message = (SELECT n FROM messages WHERE id = ?1) AND channel = ?2",
                (message.to_string(), channel.to_string(), state.as_str(), millis(next_at), note, millis(at)),
            )?;
            Ok(())
        })
    }

    /// Closes the deliveries that a server that died had begun: whether they went out is not known. Returns how many.
    pub fn close_cut_off_deliveries(&self, at: Timestamp) -> Result<usize> {
        self.write("closing deliveries that were cut off", move |connection| {
            let changed = connection.execute(
                "UPDATE deliveries SET state = 'unknown', at = ?1, note = 'Freehold stopped while it was being sent.' \
                 WHERE state = 'sending'",
                [millis(at)],
            )?;
            Ok(changed)
        })
    }
}

pub(super) fn delivery_row(row: &Row<'_>) -> rusqlite::Result<DeliveryRow> {
    Ok(DeliveryRow {
        channel: parsed(row, "channel", ChannelId::parse)?,
        label: row.get("label")?,
        state: named(row, "state", DeliveryState::parse)?,
        tries: row.get("tries")?,
        next_at: time(row, "next_at")?,
        at: time(row, "at")?,
        note: row.get("note")?,
    })
}
