//! Messages to the owner: what they say, why they were made, and what became of each.

use freehold_core::Timestamp;
use freehold_core::id::{ChannelId, MessageId};
use rusqlite::{Connection, Row};

use super::KEPT;
use super::delivery::{DeliveryRow, DeliveryState, delivery_row};
use crate::row::{millis, named, parsed, time};
use crate::{DataDb, Result};

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

names!(MessageKind: Need = "need", Reminder = "reminder", Summary = "summary", Test = "test");

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

impl DataDb {
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
    let notes = [
        (&message.tells, "UPDATE needs SET told = ?2, told_at = ?3 WHERE n = ?1"),
        (&message.reminds, "UPDATE needs SET reminded = ?2, reminded_at = ?3 WHERE n = ?1"),
    ];
    for (needs, note) in notes {
        for need in needs {
            connection.execute(note, (need, n, millis(at)))?;
        }
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
