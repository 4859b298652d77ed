//! Notifications: the channels, what the owner is needed for, the messages about it, and how each was delivered.
//!
//! What has to happen once is one transaction: a message, its deliveries, and the note on each need it tells of. A delivery is noted
//! as begun before anything is sent, so that a server that died in between does not send it twice.

use freehold_core::Timestamp;
use freehold_core::id::{ChannelId, MessageId};
use rusqlite::{Connection, Row};
use serde_json::Value;

use super::DataDb;
use crate::row::{json, millis, named, parsed, time, time_or_none, to_json};
use crate::{Result, StoreError};

/// Messages kept to be looked at.
const KEPT: u32 = 200;

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

/// Why a message was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// To tell of one need.
    Need,
    /// To remind of one.
    Reminder,
    /// To tell of several at once.
    Summary,
    /// Because the owner asked for one.
    Test,
}

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

macro_rules! names {
    ($type:ident: $($variant:ident = $name:literal),+) => {
        impl $type {
            /// The name in the database and the API.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

names!(MessageKind: Need = "need", Reminder = "reminder", Summary = "summary", Test = "test");
names!(DeliveryState: Waiting = "waiting", Sending = "sending", Sent = "sent", Failed = "failed", Unknown = "unknown",
    Dropped = "dropped");

/// A message to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Its id.
    pub id: MessageId,
    /// Why.
    pub kind: MessageKind,
    /// A few words.
    pub title: String,
    /// One sentence.
    pub body: String,
    /// The page it opens.
    pub path: String,
    /// Whether somebody waits for the answer.
    pub urgent: bool,
    /// The needs it tells of for the first time.
    pub tells: Vec<i64>,
    /// The needs it reminds of.
    pub reminds: Vec<i64>,
    /// The channels it goes out by, each with what a person knows it by.
    pub channels: Vec<(ChannelId, String)>,
}

/// A message and its deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its number.
    pub n: i64,
    /// Its id.
    pub id: MessageId,
    /// Why it was made.
    pub kind: MessageKind,
    /// A few words.
    pub title: String,
    /// One sentence.
    pub body: String,
    /// The page it opens.
    pub path: String,
    /// Whether somebody waits for the answer.
    pub urgent: bool,
    /// When.
    pub made_at: Timestamp,
    /// The needs it tells or reminds of that are not over.
    pub open_needs: Vec<i64>,
    /// One for each channel there was.
    pub deliveries: Vec<DeliveryRow>,
}

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

    /// Makes messages, and notes on each need that it was told of or reminded of.
    pub fn make_messages(&self, messages: Vec<NewMessage>, at: Timestamp) -> Result<()> {
        self.write("making messages to the owner", move |connection| {
            for message in &messages {
                make_message(connection, message, DeliveryState::Waiting, at)?;
            }
            connection.execute("DELETE FROM messages WHERE n <= (SELECT max(n) FROM messages) - ?1", [KEPT])?;
            Ok(())
        })
    }

    /// Notes a message that is being sent right now, by its one channel.
    pub fn begin_test(&self, message: NewMessage, at: Timestamp) -> Result<()> {
        self.write("noting a test message", move |connection| make_message(connection, &message, DeliveryState::Sending, at))
    }

    /// When the messages after `since` were made, tests aside, the oldest first.
    pub fn messages_since(&self, since: Timestamp) -> Result<Vec<Timestamp>> {
        self.read("counting messages", |connection| {
            let mut statement = connection
                .prepare_cached("SELECT made_at FROM messages WHERE made_at > ?1 AND kind <> 'test' ORDER BY n")?;
            let rows = statement.query_map([millis(since)], |row| time(row, "made_at"))?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// The messages with a delivery that waits, the oldest first.
    pub fn waiting_messages(&self) -> Result<Vec<MessageRow>> {
        self.read("reading what is to be sent", |connection| {
            messages(
                connection,
                "SELECT * FROM messages WHERE n IN (SELECT message FROM deliveries WHERE state = 'waiting') ORDER BY n LIMIT ?1",
                KEPT,
            )
        })
    }

    /// Up to `limit` messages, the newest first.
    pub fn latest_messages(&self, limit: u32) -> Result<Vec<MessageRow>> {
        self.read("reading what was sent", |connection| {
            messages(connection, "SELECT * FROM messages ORDER BY n DESC LIMIT ?1", limit)
        })
    }

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

fn make_message(connection: &Connection, message: &NewMessage, state: DeliveryState, at: Timestamp) -> Result<()> {
    connection.execute(
        "INSERT INTO messages (id, kind, title, body, path, urgent, made_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            message.id.to_string(),
            message.kind.as_str(),
            &message.title,
            &message.body,
            &message.path,
            message.urgent,
            millis(at),
        ),
    )?;
    let n = connection.last_insert_rowid();
    for need in &message.tells {
        connection.execute("UPDATE needs SET told = ?2, told_at = ?3 WHERE n = ?1", (need, n, millis(at)))?;
    }
    for need in &message.reminds {
        connection.execute("UPDATE needs SET reminded = ?2, reminded_at = ?3 WHERE n = ?1", (need, n, millis(at)))?;
    }
    for (channel, label) in &message.channels {
        connection.execute(
            "INSERT INTO deliveries (message, channel, label, state, next_at, at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            (n, channel.to_string(), label, state.as_str(), millis(at)),
        )?;
    }
    Ok(())
}

fn messages(connection: &Connection, select: &str, limit: u32) -> Result<Vec<MessageRow>> {
    let mut rows: Vec<MessageRow> =
        connection.prepare_cached(select)?.query_map([limit], message_row)?.collect::<rusqlite::Result<_>>()?;
    let mut needs = connection
        .prepare_cached("SELECT n FROM needs WHERE (told = ?1 OR reminded = ?1) AND ended_at IS NULL ORDER BY n")?;
    let mut deliveries = connection.prepare_cached("SELECT * FROM deliveries WHERE message = ?1 ORDER BY channel")?;
    for row in &mut rows {
        row.open_needs = needs.query_map([row.n], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        row.deliveries = deliveries.query_map([row.n], delivery_row)?.collect::<rusqlite::Result<_>>()?;
    }
    Ok(rows)
}

fn channel_row(row: &Row<'_>) -> rusqlite::Result<ChannelRow> {
    Ok(ChannelRow {
        id: parsed(row, "id", ChannelId::parse)?,
        settings: json(row, "settings")?,
        has_secret: row.get("has_secret")?,
        created_at: time(row, "created_at")?,
    })
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

fn message_row(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    Ok(MessageRow {
        n: row.get("n")?,
        id: parsed(row, "id", MessageId::parse)?,
        kind: named(row, "kind", MessageKind::parse)?,
        title: row.get("title")?,
        body: row.get("body")?,
        path: row.get("path")?,
        urgent: row.get("urgent")?,
        made_at: time(row, "made_at")?,
        open_needs: Vec::new(),
        deliveries: Vec::new(),
    })
}

fn delivery_row(row: &Row<'_>) -> rusqlite::Result<DeliveryRow> {
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
