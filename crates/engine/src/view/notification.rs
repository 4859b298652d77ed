//! How the owner is reached, and what was sent.

use freehold_core::Timestamp;
use freehold_core::id::{ChannelId, MessageId};
use freehold_notify::ChannelKind;
use freehold_protocol::form::Form;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::QuietHours;

/// Everything about notifications.
#[derive(Clone, Debug, Serialize)]
pub struct NotificationsView {
    /// The address that messages link to.
    pub address: String,
    /// Whether only this machine can open it.
    pub address_is_local: bool,
    /// The channels.
    pub channels: Vec<ChannelView>,
    /// The kinds of channel that can be added.
    pub kinds: Vec<ChannelKindView>,
    /// The quiet hours, if there are any.
    pub quiet: Option<QuietHours>,
    /// When the quiet hours that it is now in are over.
    pub quiet_until: Option<Timestamp>,
    /// The time zone of the machine the server runs on.
    pub server_zone: String,
    /// What the owner is needed for now.
    pub needs: Vec<NeedView>,
    /// What was sent, the newest first.
    pub messages: Vec<MessageView>,
}

/// A kind of channel.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelKindView {
    /// Which.
    pub kind: ChannelKind,
    /// What it has to be told.
    pub form: Form,
}

/// A channel. Never its secret.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelView {
    /// Its id.
    pub id: ChannelId,
    /// Its kind.
    pub kind: ChannelKind,
    /// Who is reached, and by which server.
    pub label: String,
    /// Whether a token or password is sealed for it.
    pub has_secret: bool,
    /// Why it cannot send now, if so.
    pub blocked: Option<String>,
    /// Its last delivery.
    pub last: Option<DeliveryView>,
    /// Its settings.
    pub settings: Map<String, Value>,
    /// Since when.
    pub created_at: Timestamp,
}

/// Something the owner is needed for.
#[derive(Clone, Debug, Serialize)]
pub struct NeedView {
    /// By what.
    pub title: String,
    /// One sentence.
    pub sentence: String,
    /// The page where it is answered.
    pub path: String,
    /// Since when.
    pub arose_at: Timestamp,
    /// When a message told of it.
    pub told_at: Option<Timestamp>,
    /// When another reminded of it.
    pub reminded_at: Option<Timestamp>,
    /// Until when the quiet hours hold it back.
    pub held_until: Option<Timestamp>,
    /// The last of these in words.
    pub message: &'static str,
    /// The time that belongs to the words, if one does.
    pub message_at: Option<Timestamp>,
}

/// A message that was made.
#[derive(Clone, Debug, Serialize)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// `need`, `reminder`, `summary` or `test`.
    pub kind: &'static str,
    /// A few words.
    pub title: String,
    /// One sentence.
    pub body: String,
    /// The page it opens.
    pub path: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// How it went out, by each channel.
    pub deliveries: Vec<DeliveryView>,
}

/// One message by one channel.
#[derive(Clone, Debug, Serialize)]
pub struct DeliveryView {
    /// By which channel.
    pub channel: ChannelId,
    /// What a person knew the channel by.
    pub label: String,
    /// `waiting`, `sending`, `sent`, `failed`, `unknown` or `dropped`.
    pub state: &'static str,
    /// The same in words.
    pub sentence: &'static str,
    /// How often it was tried.
    pub tries: u32,
    /// When it came to stand so.
    pub at: Timestamp,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// What the server said, or why it was not sent.
    pub note: Option<String>,
}

/// What came of a test message.
#[derive(Clone, Debug, Serialize)]
pub struct TestView {
    /// Whether the server took it over.
    pub sent: bool,
    /// One sentence.
    pub sentence: String,
    /// What to do, where it was not sent.
    pub next: String,
    /// The server's own words.
    pub answer: Option<String>,
}
