//! The thread that tells the owner: it looks what is needed, makes the messages, and sees each one out.

use std::sync::Arc;
use std::time::Duration;

use freehold_core::id::MessageId;
use freehold_core::{Problem, Timestamp};
use freehold_notify::{Failure, Message};
use freehold_store::{ChannelRow, DeliveryRow, DeliveryState, MessageRow, NewMessage};
use jiff::SignedDuration;

use super::plan::{HOUR, Planned, plan};
use super::{channel_of, need};
use crate::event::Event;
use crate::problem::from_store;
use crate::schedule::{LONGEST_SLEEP, until};
use crate::server::Inner;

/// Changes come in bursts, and are looked at once.
const BURST: Duration = Duration::from_millis(200);
/// How long after a failure it is tried again, from failure to failure; after the last it is given up.
const TRY_AGAIN: [SignedDuration; 5] = [
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(3),
];

pub(crate) fn run(inner: &Arc<Inner>) {
    loop {
        let sleep = inner.tell_owner().unwrap_or_else(|problem| {
            tracing::error!(%problem, "the owner could not be told what they are needed for");
            LONGEST_SLEEP
        });
        if !inner.notifier.wait(sleep) || !inner.notifier.pause(BURST) {
            return;
        }
    }
}

/// A failure as it is kept with its delivery.
pub(super) fn note_of(failure: &Failure) -> String {
    match &failure.answer {
        Some(answer) => format!("{} It said: {answer}", failure.what),
        None => failure.what.clone(),
    }
}

impl Inner {
    /// One look: notes what is needed, makes and sends what is to be sent now, and says how long nothing will change by itself.
    fn tell_owner(&self) -> Result<Duration, Problem> {
        let channels = self.data.channels().map_err(from_store)?;
        if channels.is_empty() || self.vault_db.owner().map_err(from_store)?.is_none() {
            return Ok(LONGEST_SLEEP);
        }
        let now = self.now();
        let looked = self.needs()?;
        let mut open = self.data.open_needs().map_err(from_store)?;
        let changes = need::changes(&open, &looked);
        if !changes.is_empty() {
            self.data.change_needs(changes, now).map_err(from_store)?;
            open = self.data.open_needs().map_err(from_store)?;
            self.tell(Event::Notifications);
        }
        if let Some(quiet) = self.quiet_hours().map_err(from_store)?.and_then(|quiet| quiet.until(now)) {
            return Ok(until(now, quiet));
        }
        open.retain(|row| looked.now.iter().any(|need| need.subject == row.need.subject));
        let recent = self.data.messages_since(now - HOUR).map_err(from_store)?;
        let (planned, next) = plan(&open.iter().collect::<Vec<_>>(), &recent, now);
        if !planned.is_empty() {
            let messages = planned.into_iter().map(|planned| self.message(planned, &channels)).collect::<Result<_, _>>()?;
            self.data.make_messages(messages, now).map_err(from_store)?;
            self.tell(Event::Notifications);
        }
        let needed: Vec<i64> = open.iter().map(|row| row.n).collect();
        let mut next: Vec<Timestamp> = next.into_iter().collect();
        for message in self.data.waiting_messages().map_err(from_store)? {
            for delivery in message.deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Waiting) {
                next.extend(self.deliver(&message, delivery, &channels, &needed)?);
            }
        }
        Ok(next.into_iter().min().map_or(LONGEST_SLEEP, |at| until(self.now(), at)))
    }

    fn message(&self, planned: Planned, channels: &[ChannelRow]) -> Result<NewMessage, Problem> {
        let label = |row: &ChannelRow| Ok((row.id, channel_of(row)?.label()));
        Ok(NewMessage {
            id: MessageId::new(&*self.clock, &*self.rng),
            kind: planned.kind,
            title: planned.title,
            body: planned.body,
            path: planned.path,
            urgent: planned.urgent,
            tells: planned.tells,
            reminds: planned.reminds,
            channels: channels.iter().map(label).collect::<Result<_, Problem>>()?,
        })
    }

    /// Sends one delivery if it is its time, and says when it is tried next, if it is. `needed` are the needs there are right now.
    fn deliver(
        &self,
        message: &MessageRow,
        delivery: &DeliveryRow,
        channels: &[ChannelRow],
        needed: &[i64],
    ) -> Result<Option<Timestamp>, Problem> {
        let now = self.now();
        let set = |state, next_at, note: Option<String>| {
            self.data.set_delivery(message.id, delivery.channel, state, next_at, note, self.now()).map_err(from_store)?;
            self.tell(Event::Notifications);
            Ok::<_, Problem>(())
        };
        let row = channels.iter().find(|row| row.id == delivery.channel);
        let (Some(row), false) = (row, message.open_needs.is_empty()) else {
            set(DeliveryState::Dropped, now, None)?;
            return Ok(None);
        };
        if delivery.next_at > now {
            return Ok(Some(delivery.next_at));
        }
        // A run tries again by itself: it is sent if that needs the owner too.
        if !message.open_needs.iter().any(|need| needed.contains(need)) {
            return Ok(None);
        }
        let channel = channel_of(row)?;
        let secret = match self.channel_secret(row, &channel) {
            Ok(secret) => secret,
            // It goes out when the vault is unlocked, which wakes this thread.
            Err(problem) if self.door.vault().is_err() => {
                let note = Some(format!("{} This channel's {} is in it.", problem.what, channel.kind().secret_field()));
                if delivery.note != note {
                    set(DeliveryState::Waiting, delivery.next_at, note)?;
                }
                return Ok(None);
            }
            Err(problem) => {
                set(DeliveryState::Failed, now, Some(problem.what))?;
                return Ok(None);
            }
        };
        if !self.data.begin_delivery(message.id, delivery.channel, now).map_err(from_store)? {
            return Ok(None);
        }
        let sent = Message {
            id: message.id.to_string(),
            title: message.title.clone(),
            body: message.body.clone(),
            link: self.link(&message.path),
            urgent: message.urgent,
        };
        let failure = match freehold_notify::send(&channel, secret.as_ref(), &sent) {
            Ok(delivered) => {
                set(DeliveryState::Sent, now, Some(delivered.answer))?;
                return Ok(None);
            }
            Err(failure) => failure,
        };
        let again = TRY_AGAIN.get(delivery.tries as usize).filter(|_| !failure.lasting).map(|after| self.now() + *after);
        tracing::warn!(channel = %row.id, lasting = failure.lasting, "a message to the owner could not be sent");
        let state = if again.is_some() { DeliveryState::Waiting } else { DeliveryState::Failed };
        set(state, again.unwrap_or(now), Some(note_of(&failure)))?;
        Ok(again)
    }
}
