//! The identity gate (R8): no record of a source is kept before its account is confirmed.

use freehold_core::Identity;
use freehold_core::identity::IdentityState;
use freehold_core::interaction::InteractionKind;
use freehold_core::reason::OwnerReason;
use freehold_core::run::{Counts, RunEvent};
use freehold_protocol::manifest::{IdentityRule, IdentitySource};
use freehold_store::NewRecord;
use serde_json::{Value, json};

use super::verdict::{Step, Verdict};
use super::work::Work;
use crate::audit::Action;
use crate::problem::from_store;

/// Records a probe may hold in memory until the account is seen.
const PROBE_RECORDS: usize = 100;
const PROBE_BYTES: usize = 1 << 20;

/// Where records go.
pub(super) enum Gate {
    /// The source's account is not confirmed: in memory, never on disk.
    Probe {
        /// What came so far.
        records: Vec<NewRecord>,
        /// Its size.
        bytes: usize,
    },
    /// The account is confirmed, and not seen yet in this run: durable, visible nowhere.
    Held,
    /// The account was seen in this run, or the owner accepted that it cannot be.
    Open,
}

impl Gate {
    pub(super) fn new(identity: &IdentityState) -> Self {
        match identity {
            IdentityState::Unconfirmed | IdentityState::Proposed { .. } => Gate::Probe { records: Vec::new(), bytes: 0 },
            IdentityState::Confirmed { .. } => Gate::Held,
            IdentityState::AcceptedUnverified => Gate::Open,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self, Gate::Open)
    }
}

/// What a stream's record says of the account, where the manifest reads it there.
pub(super) fn identity_in(rule: Option<&IdentityRule>, record: &NewRecord) -> Option<Identity> {
    let Some(IdentitySource::Stream { stream, key, display }) = rule.map(|rule| &rule.source) else { return None };
    if *record.stream != **stream || record.delete {
        return None;
    }
    let data: Value = serde_json::from_str(&record.data).ok()?;
    let text = |field: &str| match data.get(field)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let key = text(key)?;
    let display = display.as_deref().and_then(text).unwrap_or_else(|| key.clone());
    Some(Identity { key, display })
}

impl Work<'_> {
    /// Sends a batch where the gate says.
    pub(super) fn pass(&mut self, batch: Vec<NewRecord>) -> Step<()> {
        match &mut self.gate {
            Gate::Probe { records, bytes } => {
                *bytes += batch.iter().map(|record| record.key.len() + record.data.len()).sum::<usize>();
                records.extend(batch);
                if records.len() > PROBE_RECORDS || *bytes > PROBE_BYTES {
                    return self.unreadable();
                }
                Ok(())
            }
            Gate::Held => self.store(batch, true),
            Gate::Open => self.store(batch, false),
        }
    }

    /// The account was seen.
    pub(super) fn seen(&mut self, identity: Identity) -> Step<()> {
        let normalise = |key: &str| self.identity_rule().map_or_else(|| key.to_owned(), |rule| rule.normalised(key));
        let identity = Identity { key: normalise(&identity.key), display: identity.display };
        match self.source.identity.clone() {
            IdentityState::AcceptedUnverified => Ok(()),
            IdentityState::Confirmed { identity: confirmed } if confirmed.is_same_account(&identity) => {
                if matches!(self.gate, Gate::Held) {
                    let released = self.inner.data.release_held(self.run.id).map_err(from_store)?;
                    self.count(released);
                    self.gate = Gate::Open;
                }
                Ok(())
            }
            IdentityState::Confirmed { identity: confirmed } => {
                // Nothing of another account's is kept, what came before this message included.
                self.inner.data.revert_run(self.run.id).map_err(from_store)?;
                self.counts = Counts::default();
                let message = format!(
                    "This source belongs to {}, and {} is signed in. Nothing was stored.",
                    confirmed.display, identity.display
                );
                self.ask_identity(OwnerReason::IdentityMismatch, &message, Some(&confirmed.display), &identity)?;
                Verdict::needs_owner(OwnerReason::IdentityMismatch, message).stop()
            }
            IdentityState::Unconfirmed | IdentityState::Proposed { .. } => self.first_seen(identity),
        }
    }

    /// The account of a source that has none confirmed: the one the owner named at setup, or a question to the owner.
    fn first_seen(&mut self, identity: Identity) -> Step<()> {
        let source = self.source.id;
        let expected = self.source.expected_account.clone();
        // The key alone: anyone may give themselves the display name the owner has in mind.
        let normalised = |name: &str| self.identity_rule().map_or_else(|| name.to_owned(), |rule| rule.normalised(name));
        let named = expected.as_deref().is_some_and(|name| normalised(name.trim()) == identity.key);
        if !named {
            let proposed = IdentityState::Proposed { identity: identity.clone() };
            self.inner.data.update_source(source, move |row| row.identity = proposed).map_err(from_store)?;
            let message =
                format!("{} is signed in. Nothing was stored yet. Is this the account you mean?", identity.display);
            self.ask_identity(OwnerReason::ConfirmIdentity, &message, expected.as_deref(), &identity)?;
            return Verdict::needs_owner(OwnerReason::ConfirmIdentity, message).stop();
        }
        let detail = [("key", identity.key.as_str())];
        self.inner.record(&self.run.id.to_string(), Action::IdentityConfirm, &source.to_string(), &detail)?;
        let confirmed = IdentityState::Confirmed { identity };
        self.source.identity = confirmed.clone();
        self.inner.data.update_source(source, move |row| row.identity = confirmed).map_err(from_store)?;
        self.transition(RunEvent::Collect, Some(json!({ "identity": "as named at setup" })))?;
        match std::mem::replace(&mut self.gate, Gate::Open) {
            Gate::Probe { records, .. } => self.pass(records),
            Gate::Held | Gate::Open => Ok(()),
        }
    }

    /// The run cannot go on, or cannot be committed, without having seen the account.
    pub(super) fn unreadable<T>(&mut self) -> Step<T> {
        self.inner.data.revert_run(self.run.id).map_err(from_store)?;
        self.counts = Counts::default();
        Verdict::needs_owner(
            OwnerReason::IdentityUnreadable,
            "The connector did not say which account is signed in. Nothing was stored.",
        )
        .stop()
    }

    pub(super) fn identity_rule(&self) -> Option<&IdentityRule> {
        self.connector.manifest.identity.as_ref()
    }

    fn ask_identity(&self, reason: OwnerReason, message: &str, expected: Option<&str>, seen: &Identity) -> Step<()> {
        let data = json!({ "expected": expected, "seen": seen });
        Ok(self.inner.ask_source(&self.source, InteractionKind::Identity, reason, message, Some(data))?)
    }
}
