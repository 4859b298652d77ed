//! Reaching the owner when they are needed: the channels and quiet hours they chose, and what was sent.
//!
//! What is sent is decided in [`plan`] from what is needed ([`need`]); [`notifier`] is the thread that does it.

mod channel_form;
mod need;
mod plan;
mod quiet;

pub(crate) mod notifier;

use std::collections::{BTreeMap, HashSet};

use freehold_core::id::{ChannelId, MessageId};
use freehold_core::status::VaultState;
use freehold_core::{Problem, ProblemCode, SecretBytes, Timestamp};
use freehold_notify::{Channel, ChannelKind, Message};
use freehold_store::{ChannelRow, DeliveryRow, DeliveryState, MessageKind, MessageRow, NeedRow, NewMessage, StoreError};
use freehold_vault::ChannelSecretError;
use serde_json::{Map, Value};

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::event::Event;
use crate::problem::{bad_input, from_store, not_found};
use crate::server::{Engine, Inner};
use crate::view::{ChannelKindView, ChannelView, DeliveryView, MessageView, NeedView, NotificationsView, TestView};
pub use quiet::QuietHours;

/// Channels there may be.
const MOST_CHANNELS: usize = 10;
/// Messages shown.
const SHOWN: u32 = 30;
/// The setting the quiet hours are kept in.
const QUIET: &str = "quiet_hours";

impl Engine {
    /// How the owner is reached, what they are needed for, and what was sent.
    pub fn notifications(&self, caller: &Caller) -> Result<NotificationsView, Problem> {
        caller.must(Permission::Read)?;
        self.0.notifications_view()
    }

    /// Adds a channel, or replaces the settings of the one with this id. A blank secret keeps the one there is, for the same server
    /// alone (R12).
    pub fn save_channel(
        &self,
        caller: &Caller,
        id: Option<ChannelId>,
        kind: ChannelKind,
        mut fields: BTreeMap<String, SecretBytes>,
    ) -> Result<ChannelView, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let before = id.map(|id| inner.channel_row(id)).transpose()?;
        if before.is_none() && inner.data.channels().map_err(from_store)?.len() >= MOST_CHANNELS {
            return Err(Problem::new(
                ProblemCode::Conflict,
                format!("There are {MOST_CHANNELS} channels already."),
                "Remove one, or replace its settings.",
            ));
        }
        let secret = fields.remove(kind.secret_field()).filter(|secret| !secret.is_empty());
        let channel = channel_form::read(kind, &fields)?;
        let kept = match &before {
            Some(row) => kept_secret(row, &channel, secret.is_some())?,
            None => false,
        };
        channel_form::check_secret(&channel, secret.is_some() || kept)?;

        let id = before.as_ref().map_or_else(|| ChannelId::new(&*inner.clock, &*inner.rng), |row| row.id);
        let has_secret = secret.is_some() || kept;
        let audit = inner.audited(&caller.actor(), Action::ChannelSave, &id.to_string(), &[("kind", kind.as_str())]);
        match secret {
            Some(secret) => {
                let sealed = inner.door.vault()?.seal_channel_secret(id, secret, channel.destination(), &*inner.rng);
                inner.vault_db.put_channel_secret(id, sealed, inner.now(), audit)
            }
            None if !has_secret => inner.vault_db.delete_channel_secret(id, audit),
            None => inner.vault_db.append_audit(audit).map(drop),
        }
        .map_err(from_store)?;
        let row = ChannelRow {
            id,
            settings: serde_json::to_value(&channel).unwrap_or_default(),
            has_secret,
            created_at: before.map_or_else(|| inner.now(), |row| row.created_at),
        };
        inner.data.put_channel(row).map_err(from_store)?;
        inner.tell(Event::Notifications);
        inner.notifier.now();
        inner.channel_view(inner.channel_row(id)?, &[])
    }

    /// Removes a channel, its secret first.
    pub fn remove_channel(&self, caller: &Caller, id: ChannelId) -> Result<(), Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        inner.channel_row(id)?;
        let audit = inner.audited(&caller.actor(), Action::ChannelRemove, &id.to_string(), &[]);
        inner.vault_db.delete_channel_secret(id, audit).map_err(from_store)?;
        inner.data.delete_channel(id, inner.now()).map_err(from_store)?;
        inner.tell(Event::Notifications);
        Ok(())
    }

    /// Sends a message that says it is a test, now, and waits for the server's answer.
    pub fn test_channel(&self, caller: &Caller, id: ChannelId) -> Result<TestView, Problem> {
        caller.must(Permission::Configure)?;
        let inner = &self.0;
        let row = inner.channel_row(id)?;
        let channel = channel_of(&row)?;
        let secret = inner.channel_secret(&row, &channel)?;
        let message = NewMessage {
            id: MessageId::new(&*inner.clock, &*inner.rng),
            kind: MessageKind::Test,
            title: "Freehold".to_owned(),
            body: "This is a test. You are reached here when Freehold needs you.".to_owned(),
            path: "/settings/notifications".to_owned(),
            urgent: false,
            tells: Vec::new(),
            reminds: Vec::new(),
            channels: vec![(id, channel.label())],
        };
        let sent = Message {
            id: message.id.to_string(),
            title: message.title.clone(),
            body: message.body.clone(),
            link: inner.link(&message.path),
            urgent: false,
        };
        let (message_id, at) = (message.id, inner.now());
        inner.data.begin_test(message, at).map_err(from_store)?;
        let outcome = freehold_notify::send(&channel, secret.as_ref(), &sent);
        let (state, note, view) = match outcome {
            Ok(delivered) => {
                let sentence = "The server took the message over. See whether it arrives.".to_owned();
                let view = TestView { sent: true, sentence, next: String::new(), answer: Some(delivered.answer.clone()) };
                (DeliveryState::Sent, delivered.answer, view)
            }
            Err(failure) => {
                let note = notifier::note_of(&failure);
                let view = TestView { sent: false, sentence: failure.what, next: failure.next, answer: failure.answer };
                (DeliveryState::Failed, note, view)
            }
        };
        inner.data.set_delivery(message_id, id, state, at, Some(note), inner.now()).map_err(from_store)?;
        inner.tell(Event::Notifications);
        Ok(view)
    }

    /// Sets the hours in which nothing is sent, or that there are none.
    pub fn set_quiet_hours(&self, caller: &Caller, hours: Option<QuietHours>) -> Result<(), Problem> {
        caller.must(Permission::Configure)?;
        let value = match hours {
            Some(hours) => serde_json::to_value(hours).unwrap_or_default(),
            None => Value::Null,
        };
        self.0.data.set_setting(QUIET, value).map_err(from_store)?;
        self.0.tell(Event::Notifications);
        self.0.notifier.now();
        Ok(())
    }
}

/// Whether a channel's secret stays as it is. One that was given for another server has to be given again.
fn kept_secret(row: &ChannelRow, channel: &Channel, given: bool) -> Result<bool, Problem> {
    let old = channel_of(row)?;
    if old.kind() != channel.kind() {
        return Err(bad_input("kind", "A channel keeps its kind.", "Remove it, and add one of the other kind."));
    }
    let needs_none = matches!(channel, Channel::Email(email) if email.username.is_none());
    if given || !row.has_secret || needs_none {
        return Ok(false);
    }
    if old.destination() != channel.destination() {
        let field = channel.kind().secret_field();
        return Err(bad_input(
            field,
            format!("The {field} was given for other settings, and is not sent with these."),
            "Give it again.",
        ));
    }
    Ok(true)
}

fn channel_of(row: &ChannelRow) -> Result<Channel, Problem> {
    serde_json::from_value(row.settings.clone()).map_err(|error| {
        tracing::error!(channel = %row.id, %error, "a channel's settings cannot be read");
        Problem::new(ProblemCode::Internal, "This channel's settings cannot be read.", "Remove it, and add it anew.")
    })
}

impl Inner {
    fn channel_row(&self, id: ChannelId) -> Result<ChannelRow, Problem> {
        let rows = self.data.channels().map_err(from_store)?;
        rows.into_iter().find(|row| row.id == id).ok_or_else(|| not_found("channel"))
    }

    /// A channel's secret, opened for exactly the settings the channel has.
    fn channel_secret(&self, row: &ChannelRow, channel: &Channel) -> Result<Option<SecretBytes>, Problem> {
        if !row.has_secret {
            return Ok(None);
        }
        let vault = self.door.vault()?;
        let sealed = self.vault_db.channel_secret(row.id).map_err(from_store)?;
        let sealed = sealed.ok_or_else(|| lost("This channel's secret is not there any more."))?;
        vault.open_channel_secret(row.id, &sealed, &channel.destination()).map(Some).map_err(|error| {
            tracing::error!(channel = %row.id, %error, "a channel's secret cannot be used");
            match error {
                ChannelSecretError::NotOpened => lost("This channel's secret does not open with this vault."),
                ChannelSecretError::OtherDestination => {
                    lost("This channel's settings are not the ones its secret was given for; it was not sent.")
                }
            }
        })
    }

    fn quiet_hours(&self) -> Result<Option<QuietHours>, StoreError> {
        Ok(self.data.setting(QUIET)?.and_then(|value| serde_json::from_value(value).ok()))
    }

    /// A page's address, as a browser elsewhere opens it.
    fn link(&self, path: &str) -> String {
        format!("{}{path}", self.config.address.trim_end_matches('/'))
    }

    fn notifications_view(&self) -> Result<NotificationsView, Problem> {
        let now = self.now();
        let quiet = self.quiet_hours().map_err(from_store)?;
        let quiet_until = quiet.as_ref().and_then(|quiet| quiet.until(now));
        let messages = self.data.latest_messages(SHOWN).map_err(from_store)?;
        let channels = self.data.channels().map_err(from_store)?;
        let needs = if channels.is_empty() { Vec::new() } else { self.data.open_needs().map_err(from_store)? };
        let asserted: HashSet<String> = self.needs()?.now.into_iter().map(|need| need.subject).collect();
        Ok(NotificationsView {
            address: self.config.address.clone(),
            address_is_local: is_local(&self.config.address),
            channels: channels.into_iter().map(|row| self.channel_view(row, &messages)).collect::<Result<_, _>>()?,
            kinds: ChannelKind::ALL
                .into_iter()
                .map(|kind| ChannelKindView { kind, form: channel_form::of(kind, &*self.rng) })
                .collect(),
            server_zone: quiet::server_zone(),
            quiet,
            quiet_until,
            needs: needs
                .iter()
                .filter(|need| asserted.contains(&need.need.subject))
                .map(|need| need_view(need, quiet_until))
                .collect(),
            messages: messages.into_iter().map(message_view).collect(),
        })
    }

    fn channel_view(&self, row: ChannelRow, messages: &[MessageRow]) -> Result<ChannelView, Problem> {
        let channel = channel_of(&row)?;
        let last = messages.iter().flat_map(|message| &message.deliveries).find(|delivery| delivery.channel == row.id);
        let state = self.door.state();
        let blocked = (row.has_secret && state != VaultState::Unlocked).then(|| {
            let field = channel.kind().secret_field();
            format!("It cannot send now: its {field} is in the vault, which is not open.")
        });
        Ok(ChannelView {
            id: row.id,
            kind: channel.kind(),
            label: channel.label(),
            has_secret: row.has_secret,
            blocked,
            last: last.cloned().map(delivery_view),
            settings: match row.settings {
                Value::Object(settings) => settings,
                _ => Map::new(),
            },
            created_at: row.created_at,
        })
    }
}

fn need_view(row: &NeedRow, quiet_until: Option<Timestamp>) -> NeedView {
    let held_until = quiet_until.filter(|_| row.told_at.is_none());
    let (message, message_at) = match (row.reminded_at, row.told_at, held_until) {
        (Some(at), _, _) => ("Reminded", Some(at)),
        (None, Some(at), _) => ("Told", Some(at)),
        (None, None, Some(until)) => ("Held back until", Some(until)),
        (None, None, None) => ("Not told yet", None),
    };
    NeedView {
        title: row.need.title.clone(),
        sentence: row.need.body.clone(),
        path: row.need.path.clone(),
        arose_at: row.arose_at,
        told_at: row.told_at,
        reminded_at: row.reminded_at,
        held_until,
        message,
        message_at,
    }
}

fn message_view(row: MessageRow) -> MessageView {
    MessageView {
        id: row.id,
        kind: row.kind.as_str(),
        title: row.title,
        body: row.body,
        path: row.path,
        made_at: row.made_at,
        deliveries: row.deliveries.into_iter().map(delivery_view).collect(),
    }
}

fn delivery_view(row: DeliveryRow) -> DeliveryView {
    let sentence = match row.state {
        DeliveryState::Waiting if row.tries == 0 => "Waiting to be sent",
        DeliveryState::Waiting => "Will be tried again",
        DeliveryState::Sending => "Being sent",
        DeliveryState::Sent => "Sent",
        DeliveryState::Failed => "Given up",
        DeliveryState::Unknown => "Perhaps sent",
        DeliveryState::Dropped => "No longer needed",
    };
    DeliveryView {
        channel: row.channel,
        label: row.label,
        state: row.state.as_str(),
        sentence,
        tries: row.tries,
        at: row.at,
        next_at: (row.state == DeliveryState::Waiting).then_some(row.next_at),
        note: row.note,
    }
}

fn lost(what: &str) -> Problem {
    Problem::new(ProblemCode::VaultUnavailable, what, "Give it again, with the channel's settings.")
}

/// Whether only this machine can open an address.
fn is_local(address: &str) -> bool {
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}
