//! Which account is signed in, on a page (R8): read before the connector is attached, at every run, and once more before the run's
//! result is written.

use std::sync::Arc;
use std::time::Duration;

use freehold_browser::SignInMachine;
use freehold_core::identity::IdentityState;
use freehold_core::interaction::InteractionKind;
use freehold_core::reason::OwnerReason;
use freehold_core::run::{Counts, Outcome, RunEvent};
use freehold_core::{Identity, Problem};
use freehold_protocol::manifest::IdentitySource;
use serde_json::json;

use super::browser::failed;
use super::sign_in::{Entrance, Question, Reply, session_not_kept};
use super::verdict::{Step, Verdict};
use super::work::Work;
use crate::audit::Action;
use crate::caller::Caller;
use crate::problem::from_store;
use crate::server::Inner;

/// How long the page that shows the account may take, and how long at the end of a run that did not succeed.
const PATIENCE: Duration = Duration::from_secs(30);
const SHORT_PATIENCE: Duration = Duration::from_secs(8);

impl Entrance<'_> {
    /// Comes back when the account that is signed in is the source's own.
    pub(super) fn identify(&mut self) -> Step<()> {
        self.transition(RunEvent::Identify)?;
        let Some(rule) = self.connector.resolved_identity(&self.source.settings) else { return Ok(()) };
        if !matches!(rule.source, IdentitySource::Page { .. }) {
            return Ok(());
        }
        let Some(seen) = self.browser.read_identity(&rule, PATIENCE)? else {
            if self.is_signed_out()? {
                return session_not_kept().stop();
            }
            return unreadable().stop();
        };
        match self.source.identity.clone() {
            IdentityState::AcceptedUnverified => Ok(()),
            IdentityState::Confirmed { identity } if identity.is_same_account(&seen) => Ok(()),
            IdentityState::Confirmed { identity } => mismatch(self.inner, &self.source, &identity, &seen).stop(),
            IdentityState::Unconfirmed | IdentityState::Proposed { .. } => self.first_seen(seen, |key| rule.normalised(key)),
        }
    }

    /// The account of a source that has none confirmed: the one the owner named at setup, or a question that the run waits on.
    fn first_seen(&mut self, seen: Identity, normalised: impl Fn(&str) -> String) -> Step<()> {
        let expected = self.source.expected_account.clone();
        let other = self.inner.other_source_of(&self.source, &seen)?;
        // The key alone: anyone may give themselves the display name the owner has in mind.
        let named = expected.as_deref().is_some_and(|name| normalised(name.trim()) == seen.key);
        if !named || other.is_some() {
            self.set_identity(IdentityState::Proposed { identity: seen.clone() })?;
            let twice = match &other {
                Some(name) => format!(" The same account is already connected as “{name}”."),
                None => String::new(),
            };
            let message =
                format!("{} is signed in. Nothing was stored yet. Is this the account you mean?{twice}", seen.display);
            let question = Question {
                kind: InteractionKind::Identity,
                reason: OwnerReason::ConfirmIdentity,
                message,
                data: Some(json!({ "expected": expected, "seen": seen })),
                patience: self.inner.config.run_limits.answer,
            };
            match self.ask(&question, None) {
                Ok(Reply::Yes) => {}
                Ok(_) => return self.declined(),
                Err(verdict) => {
                    if matches!(verdict.outcome, Outcome::NeedsOwner { .. }) {
                        // The owner was not there; the question outlives the run.
                        let Question { kind, reason, message, data, .. } = question;
                        self.inner.ask_source(&self.source, kind, reason, &message, data)?;
                    }
                    return Err(verdict);
                }
            }
        }
        let detail = [("key", seen.key.as_str())];
        self.inner.record(&self.run.id.to_string(), Action::IdentityConfirm, &self.source.id.to_string(), &detail)?;
        self.set_identity(IdentityState::Confirmed { identity: seen })
    }

    /// Not the account the owner means: nothing that led to it is kept.
    fn declined<T>(&mut self) -> Step<T> {
        self.inner.record(&self.run.id.to_string(), Action::IdentityDecline, &self.source.id.to_string(), &[])?;
        // The question was answered by the owner; what follows is the server's own doing.
        let server = Caller::Cli { reauthenticated: true };
        self.inner.forget(&server, &self.source)?;
        self.inner.destroy_profile(&server, self.source.id)?;
        self.set_identity(IdentityState::Unconfirmed)?;
        let detail = "You said that this is not your account. The browser was signed out, and nothing was stored.";
        Verdict::needs_owner(OwnerReason::SignInRequired, detail).stop()
    }

    fn set_identity(&mut self, identity: IdentityState) -> Step<()> {
        self.source.identity = identity.clone();
        self.inner.data.update_source(self.source.id, move |row| row.identity = identity).map_err(from_store)?;
        Ok(())
    }

    /// Whether the page asks for a sign-in again.
    fn is_signed_out(&self) -> Step<bool> {
        let Some(descriptor) = self.connector.resolved_sign_in(&self.source.settings) else { return Ok(false) };
        let machine = SignInMachine::new(descriptor, self.connector.captures(), Arc::clone(&self.inner.clock));
        machine.asks_to_sign_in(self.browser.tabs()).map_err(failed)
    }
}

impl Work<'_> {
    /// Reads the account once more before anything of the run is final. Another one, or none, and nothing of the run is kept.
    pub(super) fn identify_again(&mut self) -> Step<()> {
        let Some(browser) = &mut self.browser else { return Ok(()) };
        browser.take_back();
        let IdentityState::Confirmed { identity } = &self.source.identity else { return Ok(()) };
        let Some(rule) = self.connector.resolved_identity(&self.source.settings) else { return Ok(()) };
        let seen = browser.read_identity(&rule, PATIENCE)?;
        let verdict = match seen {
            Some(seen) if identity.is_same_account(&seen) => return self.note("identity_again", json!({})),
            Some(seen) => mismatch(self.inner, &self.source, identity, &seen),
            None => unreadable(),
        };
        self.inner.data.revert_run(self.run.id).map_err(from_store)?;
        self.counts = Counts::default();
        verdict.stop()
    }
}

impl Work<'_> {
    /// Looks which account is signed in at the end of a run that did not succeed. What came before another one was noticed is not
    /// kept; where none can be read, the run ends as it would have.
    pub(super) fn other_account_meanwhile(&mut self) -> Step<()> {
        let Some(browser) = &mut self.browser else { return Ok(()) };
        browser.take_back();
        let IdentityState::Confirmed { identity } = &self.source.identity else { return Ok(()) };
        let Some(rule) = self.connector.resolved_identity(&self.source.settings) else { return Ok(()) };
        let Ok(Some(seen)) = browser.read_identity(&rule, SHORT_PATIENCE) else { return Ok(()) };
        if identity.is_same_account(&seen) {
            return Ok(());
        }
        self.inner.data.revert_run(self.run.id).map_err(from_store)?;
        self.counts = Counts::default();
        mismatch(self.inner, &self.source, identity, &seen).stop()
    }
}

/// Another account than the source's: nothing is stored, nothing relabelled, both are shown.
fn mismatch(inner: &Inner, source: &freehold_store::SourceRow, confirmed: &Identity, seen: &Identity) -> Verdict {
    let message =
        format!("This source belongs to {}, and {} is signed in. Nothing was stored.", confirmed.display, seen.display);
    let data = json!({ "expected": confirmed.display, "seen": seen });
    let (kind, reason) = (InteractionKind::Identity, OwnerReason::IdentityMismatch);
    match inner.ask_source(source, kind, reason.clone(), &message, Some(data)) {
        Ok(()) => Verdict::needs_owner(reason, message),
        Err(problem) => *Box::<Verdict>::from(problem),
    }
}

fn unreadable() -> Verdict {
    Verdict::needs_owner(
        OwnerReason::IdentityUnreadable,
        "Which account is signed in could not be read on the provider's page. Nothing was stored.",
    )
}

impl Inner {
    /// The name of another source of the same connector that this account is connected as.
    fn other_source_of(&self, source: &freehold_store::SourceRow, seen: &Identity) -> Result<Option<String>, Problem> {
        let sources = self.data.sources(source.owner).map_err(from_store)?;
        let same = |other: &freehold_store::SourceRow| {
            other.id != source.id
                && other.connector == source.connector
                && matches!(&other.identity, IdentityState::Confirmed { identity } if identity.is_same_account(seen))
        };
        Ok(sources.into_iter().find(same).map(|other| other.name))
    }
}
