//! One collection: which mailboxes, which of their messages, and in which order their records leave.

use std::collections::{BTreeMap, HashSet};

use freehold_sdk::{BlobRef, Context, Covered, Narrowing};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use crate::cursor::{Cursor, Position};
use crate::failure::Failure;
use crate::message::{self, Attachment, Extent, MessageRecord};
use crate::session::{Facts, Mailbox, Opened, Session};
use crate::settings::{Folders, Settings};

const MAILBOXES: &str = "mailboxes";
const MESSAGES: &str = "messages";
const ATTACHMENTS: &str = "attachments";

/// Messages asked for at once; each is still received and let go one at a time.
const BATCH: usize = 100;
/// What is read of a message over the size limit: its header and, as a rule, the beginning of its text.
const BEGINNING: usize = 256 << 10;
/// Without CONDSTORE, the flags of this many newest messages are compared.
const WATCHED_FLAGS: u32 = 200;

/// Collects everything in scope from a session that is signed in.
pub(crate) fn collect(context: &mut Context<'_>, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let mut collection = Collection::new(context, settings, session)?;
    let listed = collection.session.list()?;
    let chosen = collection.choose(&listed)?;
    collection.emit_mailboxes(&listed, &chosen)?;
    if collection.wanted.is_empty() {
        return Ok(());
    }
    for mailbox in &chosen {
        collection.mailbox(mailbox)?;
    }
    Ok(())
}

struct Collection<'a, 'io> {
    context: &'a mut Context<'io>,
    settings: &'a Settings,
    session: &'a mut Session,
    /// Of the streams made from messages, those in scope.
    wanted: BTreeMap<&'static str, Narrowing>,
    cursor: Cursor,
    /// Keys of this run: a message that lies in several mailboxes is one record.
    emitted: HashSet<u128>,
}

impl<'a, 'io> Collection<'a, 'io> {
    fn new(context: &'a mut Context<'io>, settings: &'a Settings, session: &'a mut Session) -> Result<Self, Failure> {
        let midnight = |day: jiff::civil::Date| day.to_zoned_datetime(TimeZone::UTC).ok().map(|start| start.timestamp());
        let earliest = settings.since.and_then(midnight);
        let mut wanted = BTreeMap::new();
        for name in [MESSAGES, ATTACHMENTS] {
            if let Some(scope) = context.wants(name) {
                wanted.insert(name, Narrowing::new(scope, earliest)?);
            }
        }
        let cursor = context.state::<Cursor>(MESSAGES)?.unwrap_or_default();
        Ok(Self { context, settings, session, wanted, cursor, emitted: HashSet::new() })
    }

    /// The mailboxes to read, views of all mail last: what also lies in a folder then shows that folder.
    fn choose(&mut self, listed: &[Mailbox]) -> Result<Vec<Mailbox>, Failure> {
        let mut chosen: Vec<Mailbox> = match &self.settings.folders {
            Folders::All => listed.to_vec(),
            Folders::Usual => {
                let left_out = [Some("junk"), Some("trash"), Some("flagged")];
                listed.iter().filter(|mailbox| !left_out.contains(&mailbox.special_use)).cloned().collect()
            }
            Folders::Named(names) => {
                for name in names {
                    if !listed.iter().any(|mailbox| same_name(&mailbox.name, name)) {
                        self.skip("folder_not_found", &format!("there is no folder {name:?} in this mailbox"))?;
                    }
                }
                let named = |mailbox: &&Mailbox| names.iter().any(|name| same_name(&mailbox.name, name));
                listed.iter().filter(named).cloned().collect()
            }
        };
        chosen.retain(|mailbox| mailbox.selectable);
        chosen.sort_by_key(|mailbox| (mailbox.special_use == Some("all"), mailbox.name != "INBOX", mailbox.name.clone()));
        Ok(chosen)
    }

    fn emit_mailboxes(&mut self, listed: &[Mailbox], chosen: &[Mailbox]) -> Result<(), Failure> {
        let Some(scope) = self.context.wants(MAILBOXES) else { return Ok(()) };
        let narrowing = Narrowing::new(scope, None)?;
        for mailbox in listed {
            if !narrowing.admits(&mailbox.name, Timestamp::UNIX_EPOCH) {
                continue;
            }
            let messages = if mailbox.selectable { self.session.message_count(mailbox)? } else { None };
            let data = json!({
                "id": mailbox.name,
                "name": mailbox.name,
                "delimiter": mailbox.delimiter,
                "special_use": mailbox.special_use,
                "message_count": messages,
                "is_collected": chosen.contains(mailbox),
            });
            self.context.emit(MAILBOXES, &*mailbox.name, &data)?;
        }
        Ok(())
    }

    fn mailbox(&mut self, mailbox: &Mailbox) -> Result<(), Failure> {
        let opened = match self.session.examine(mailbox) {
            Ok(opened) if opened.uidvalidity != 0 => opened,
            // One folder that cannot be opened must not cost the others.
            Ok(_) => return self.skip("folder_unreadable", &format!("{:?} has no lasting message numbers", mailbox.name)),
            Err(Failure::Unexpected { text, .. }) => {
                return self.skip("folder_unreadable", &format!("{:?} cannot be opened: {text}", mailbox.name));
            }
            Err(failure) => return Err(failure),
        };
        let wanted = self.coverage();
        let before = wanted.as_ref().and_then(|wanted| self.cursor.position(&mailbox.raw, opened.uidvalidity, wanted));
        let before = before.cloned().unwrap_or_default();
        let new = self.session.uids_above(before.last_uid, self.search_day())?;
        let flags = self.watched_flags(&opened)?;
        let changed = self.changed(&before, &opened, &flags)?;
        let total = new.len() + changed.len();
        let mut done = 0;
        // The newest first: the owner sees today's mail before that of ten years ago.
        let newest_first = new.iter().chain(&changed).rev().copied().collect::<Vec<_>>();
        for batch in newest_first.chunks(BATCH) {
            self.batch(mailbox, batch)?;
            done += batch.len();
            self.context.progress_in(Some(MESSAGES), &mailbox.name, Some(done as u64), Some(total as u64))?;
        }
        let Some(covered) = wanted else { return Ok(()) };
        let position = Position {
            uidvalidity: opened.uidvalidity,
            last_uid: new.last().copied().unwrap_or(before.last_uid),
            modseq: opened.highest_modseq,
            flags,
            covered,
        };
        self.cursor.mailboxes.insert(mailbox.raw.clone(), position);
        self.context.checkpoint(MESSAGES, &self.cursor)?;
        Ok(())
    }

    /// What this run will have collected, if that can be kept as a cursor: STATE is kept under `messages`, so not without it.
    fn coverage(&self) -> Option<Covered> {
        self.wanted.get(MESSAGES)?;
        let each = self.wanted.iter().map(|(name, narrowing)| Some(((*name).to_owned(), narrowing.coverage()?)));
        each.collect()
    }

    /// A day the server can search from without leaving out anything wanted: its calendar may be a day away from UTC.
    fn search_day(&self) -> Option<jiff::civil::Date> {
        let since = self.wanted.values().map(Narrowing::since).min().flatten()?;
        since.checked_sub(24.hours()).ok().map(|before| before.to_zoned_datetime(TimeZone::UTC).date())
    }

    fn watched_flags(&mut self, opened: &Opened) -> Result<BTreeMap<u32, Vec<String>>, Failure> {
        if opened.highest_modseq.is_some() || opened.messages == 0 {
            return Ok(BTreeMap::new());
        }
        self.session.newest_flags(opened.messages, WATCHED_FLAGS)
    }

    /// Messages already collected whose flags are others now.
    fn changed(
        &mut self,
        before: &Position,
        opened: &Opened,
        flags: &BTreeMap<u32, Vec<String>>,
    ) -> Result<Vec<u32>, Failure> {
        match (before.modseq, opened.highest_modseq) {
            _ if before.last_uid == 0 => Ok(Vec::new()),
            (Some(known), Some(now)) if known < now => self.session.uids_changed_since(before.last_uid, known),
            (Some(_), Some(_)) => Ok(Vec::new()),
            _ => {
                let differs = |(uid, now): &(&u32, &Vec<String>)| before.flags.get(uid).is_some_and(|then| then != *now);
                Ok(flags.iter().filter(differs).map(|(uid, _)| *uid).collect())
            }
        }
    }

    fn batch(&mut self, mailbox: &Mailbox, newest_first: &[u32]) -> Result<(), Failure> {
        let mut uids = newest_first.to_vec();
        uids.sort_unstable();
        let mut waiting: BTreeMap<u32, Facts> = self
            .session
            .facts(&uids)?
            .into_iter()
            .filter(|facts| self.may_want(facts))
            .map(|facts| (facts.uid, facts))
            .collect();
        let limit = self.settings.max_message_bytes;
        let small: Vec<u32> = waiting.values().filter(|facts| facts.size as usize <= limit).map(|facts| facts.uid).collect();
        if !small.is_empty() {
            let mut emitter =
                Emitter { context: self.context, settings: self.settings, wanted: &self.wanted, emitted: &mut self.emitted };
            self.session.bodies(&small, limit, |uid, bytes| match waiting.remove(&uid) {
                Some(facts) => emitter.message(mailbox, &facts, bytes, Extent::Whole),
                None => Ok(()),
            })?;
        }
        // What is left is over the limit, or turned out to be, or went away meanwhile.
        for uid in waiting.keys().copied().collect::<Vec<_>>() {
            let mut emitter =
                Emitter { context: self.context, settings: self.settings, wanted: &self.wanted, emitted: &mut self.emitted };
            self.session.beginning(uid, BEGINNING, |_, bytes| match waiting.remove(&uid) {
                Some(facts) => emitter.message(mailbox, &facts, bytes, Extent::Beginning),
                None => Ok(()),
            })?;
        }
        for uid in waiting.keys() {
            let text = format!("message {uid} of {:?} was deleted meanwhile or cannot be read", mailbox.name);
            self.skip("message_unreadable", &text)?;
        }
        Ok(())
    }

    /// Whether some stream wants a message of that time; its key is only known once it is read.
    fn may_want(&self, facts: &Facts) -> bool {
        self.wanted.values().any(|narrowing| narrowing.admits_time(facts.received))
    }

    fn skip(&mut self, reason: &str, text: &str) -> Result<(), Failure> {
        let stream = self.wanted.keys().next_back().copied().unwrap_or(MAILBOXES);
        Ok(self.context.skip(stream, reason, text)?)
    }
}

/// What turns one message into records, apart from the session that is reading it.
struct Emitter<'a, 'io> {
    context: &'a mut Context<'io>,
    settings: &'a Settings,
    wanted: &'a BTreeMap<&'static str, Narrowing>,
    emitted: &'a mut HashSet<u128>,
}

impl Emitter<'_, '_> {
    fn message(&mut self, mailbox: &Mailbox, facts: &Facts, bytes: &[u8], extent: Extent) -> Result<(), Failure> {
        let (record, attachments) = message::read(&mailbox.name, facts, bytes, extent);
        if !self.emitted.insert(u128::from_str_radix(&record.id, 16).unwrap_or_default()) {
            return Ok(());
        }
        if let Some(narrowing) = self.wanted.get(MESSAGES)
            && narrowing.admits(&record.id, record.received_at)
        {
            self.context.emit(MESSAGES, &*record.id, &record)?;
        }
        if let Some(narrowing) = self.wanted.get(ATTACHMENTS) {
            for attachment in attachments {
                self.attachment(narrowing, &record, attachment)?;
            }
        }
        Ok(())
    }

    fn attachment(&mut self, narrowing: &Narrowing, record: &MessageRecord, attachment: Attachment) -> Result<(), Failure> {
        let key = format!("{}/{}", record.id, attachment.number);
        if !narrowing.admits(&key, record.received_at) {
            return Ok(());
        }
        let size = attachment.bytes.len();
        let too_large = size > self.settings.max_attachment_bytes;
        let content = if too_large {
            None
        } else {
            Some(self.context.blob(&attachment.bytes, attachment.filename.as_deref(), Some(&attachment.media_type))?)
        };
        let data = json!({
            "id": key,
            "message_id": record.id,
            "mailbox": record.mailbox,
            "received_at": record.received_at,
            "filename": attachment.filename,
            "media_type": attachment.media_type,
            "content_id": attachment.content_id,
            "is_inline": attachment.is_inline,
            "size_bytes": size,
            "content": content.as_ref().map(BlobRef::to_value),
            "left_out": too_large.then_some("attachment_too_large"),
        });
        self.context.emit(ATTACHMENTS, &*key, &data)?;
        Ok(())
    }
}

/// INBOX is the one name without case (RFC 3501 section 5.1).
fn same_name(one: &str, other: &str) -> bool {
    one == other || (one.eq_ignore_ascii_case("INBOX") && other.eq_ignore_ascii_case("INBOX"))
}
