//! The audit log: what was done, by whom, each entry chained to the one before it.

mod action;
mod subject;

use std::sync::Arc;

pub(crate) use action::Action;
use data_encoding::HEXLOWER;
use freehold_core::{Problem, Timestamp};
use freehold_store::{AuditHead, AuditMake, AuditRow};
use freehold_vault::Vault;
use freehold_vault::audit::{self, AuditEvent, AuditRecord, Head};
use subject::Names;

use crate::caller::{Caller, Permission};
use crate::problem::from_store;
use crate::server::{Engine, Inner};
use crate::view::{AuditCheck, AuditView};

/// Entries of the audit log read at once.
const AUDIT_STEP: usize = 1_000;

impl Engine {
    /// The audit log after `after` (0 for the first), oldest first.
    pub fn audit(&self, caller: &Caller, after: u64, limit: u32) -> Result<Vec<AuditView>, Problem> {
        caller.must(Permission::Read)?;
        let rows = self.0.vault_db.audit(after, limit.clamp(1, 1_000) as usize).map_err(from_store)?;
        let names = Names::of(&self.0)?;
        Ok(rows.into_iter().map(|row| audit_view(row, &names)).collect())
    }

    /// The newest entries of the audit log, newest first: those before the entry `before`, if one is named, that have `text` in what
    /// was done, to what, by whom, in words or in the log's own names, or in their hash.
    pub fn latest_audit(
        &self,
        caller: &Caller,
        text: &str,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditView>, Problem> {
        caller.must(Permission::Read)?;
        let limit = limit.clamp(1, 1_000) as usize;
        let wanted = text.trim().to_lowercase();
        let fits = |entry: &AuditView| {
            let AuditView { sentence, action, about, subject, who, actor, hash, .. } = entry;
            let spaced = action.replace(['.', '_'], " ");
            [sentence.as_str(), action, &spaced, about, subject, who, actor, hash]
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
        };
        let names = Names::of(&self.0)?;
        let (mut found, mut before) = (Vec::new(), before);
        loop {
            let rows = self.0.vault_db.latest_audit(before, AUDIT_STEP).map_err(from_store)?;
            let is_last = rows.len() < AUDIT_STEP;
            before = rows.last().map(|row| row.seq);
            found.extend(rows.into_iter().map(|row| audit_view(row, &names)).filter(fits).take(limit - found.len()));
            if is_last || found.len() == limit {
                return Ok(found);
            }
        }
    }

    /// Checks the whole chain, from the first entry to the head.
    pub fn verify_audit(&self, caller: &Caller) -> Result<AuditCheck, Problem> {
        caller.must(Permission::Read)?;
        self.0.verify_audit()
    }
}

impl Inner {
    /// What appends one event to the audit chain, inside whichever transaction it belongs to.
    pub(crate) fn audited(&self, actor: &str, action: Action, subject: &str, detail: &[(&str, &str)]) -> AuditMake {
        audit_make(self.door.vault().ok(), self.now(), actor, action, subject, detail)
    }

    /// Appends one event on its own.
    pub(crate) fn record(&self, actor: &str, action: Action, subject: &str, detail: &[(&str, &str)]) -> Result<(), Problem> {
        self.record_as(actor, action, subject, detail).map(drop)
    }

    /// The same; returns the event's hash, in hex.
    pub(crate) fn record_as(
        &self,
        actor: &str,
        action: Action,
        subject: &str,
        detail: &[(&str, &str)],
    ) -> Result<String, Problem> {
        let appended = self.vault_db.append_audit(self.audited(actor, action, subject, detail)).map_err(from_store)?;
        Ok(HEXLOWER.encode(&appended.hash))
    }

    /// Follows the chain to its end. The last event appended while the vault was unlocked is signed, together with all before it,
    /// so a chain that was cut off before that one does not pass.
    fn verify_audit(&self) -> Result<AuditCheck, Problem> {
        const PAGE: usize = 1_000;
        let signed = self.vault_db.audit_mac().map_err(from_store)?;
        let mut signed_hash = None;
        let mut head = Head::EMPTY;
        loop {
            let rows = self.vault_db.audit(head.seq, PAGE).map_err(from_store)?;
            if rows.is_empty() {
                break;
            }
            if let Some(row) = rows.iter().find(|row| signed.is_some_and(|(seq, _)| row.seq == seq)) {
                signed_hash = Some(row.hash);
            }
            let records = rows.iter().map(|row| AuditRecord { seq: row.seq, event: event_of(row), hash: row.hash });
            head = match audit::verify(head, records) {
                Ok(head) => head,
                Err(broken) => return Ok(broken_at(broken.seq, format!("Entry {}: {}.", broken.seq, broken.why))),
            };
        }
        let vault = self.door.vault().ok();
        Ok(match (signed, signed_hash, vault) {
            (Some((seq, _)), None, _) => broken_at(seq, format!("Entry {seq} was signed and is gone: the end was cut off.")),
            (Some((seq, mac)), Some(hash), Some(vault)) if !vault.check_audit_head_mac(&hash, &mac) => {
                broken_at(seq, format!("Entry {seq} is not the one this vault signed."))
            }
            (_, _, Some(_)) => whole(head.seq, "All entries hold, up to the last one this vault signed and on to the end."),
            (_, _, None) => whole(head.seq, "All entries hold. Their signature can be checked once the vault is unlocked."),
        })
    }
}

/// The same, where there is no engine: `vault` authenticates it, if it is open.
pub(crate) fn audit_make(
    vault: Option<Arc<Vault>>,
    at: Timestamp,
    actor: &str,
    action: Action,
    subject: &str,
    detail: &[(&str, &str)],
) -> AuditMake {
    let event = AuditEvent {
        at,
        actor: actor.to_owned(),
        action: action.as_str().to_owned(),
        subject: subject.to_owned(),
        detail: detail.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    Box::new(move |head: AuditHead| {
        let seq = head.seq + 1;
        let hash = audit::link(&head.hash, seq, &event);
        let mac = vault.map(|vault| vault.mac_audit_head(&hash));
        // Pairs, since the hash covers their order.
        let detail_json = serde_json::to_string(&event.detail).unwrap_or_default();
        let row = AuditRow {
            seq,
            at: event.at,
            actor: event.actor,
            action: event.action,
            subject: event.subject,
            detail_json,
            hash,
        };
        (row, mac)
    })
}

fn whole(entries: u64, sentence: &str) -> AuditCheck {
    AuditCheck { intact: true, entries, sentence: sentence.to_owned(), broken_at: None }
}

fn broken_at(seq: u64, sentence: String) -> AuditCheck {
    AuditCheck { intact: false, entries: seq.saturating_sub(1), sentence, broken_at: Some(seq) }
}

fn event_of(row: &AuditRow) -> AuditEvent {
    AuditEvent {
        at: row.at,
        actor: row.actor.clone(),
        action: row.action.clone(),
        subject: row.subject.clone(),
        detail: details(row),
    }
}

fn audit_view(row: AuditRow, names: &Names) -> AuditView {
    AuditView {
        seq: row.seq,
        at: row.at,
        detail: details(&row)
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        hash: HEXLOWER.encode(&row.hash),
        who: action::who(&row.actor),
        actor: row.actor,
        sentence: action::sentence(&row.action),
        action: row.action,
        about: names.of_subject(&row.subject),
        subject: row.subject,
    }
}

fn details(row: &AuditRow) -> Vec<(String, String)> {
    serde_json::from_str(&row.detail_json).unwrap_or_default()
}
