//! The one attempt of a run: committed to the ledger before the secret is opened, and resolved when its answer is known.

use std::sync::{Arc, Mutex};

use freehold_core::attempt::AttemptState;
use freehold_core::reason::OwnerReason;
use freehold_core::run::Cause;
use freehold_core::{AttemptId, Problem, ProblemCode, SecretAddress, SourceId};
use freehold_protocol::manifest;
use freehold_protocol::secret_text::SecretFields;
use freehold_store::{AttemptError, AttemptRow, NewAttempt, RunRow, SourceRow};
use freehold_vault::ledger::{self, AttemptFact, Delivery, Denied};

use super::prepare::Credential;
use super::verdict::{Step, Verdict};
use crate::event::Event;
use crate::problem::from_store;
use crate::server::{Inner, lock};

/// A secret that was handed out, waiting for its answer.
pub(super) struct Attempt {
    id: AttemptId,
    source: SourceId,
    pub(super) state: AttemptState,
}

/// Commits the attempt and opens the secret for it: the only way a run comes to one.
pub(super) fn submit(
    inner: &Inner,
    run: &RunRow,
    source: &SourceRow,
    credential: &Credential,
    delivery: manifest::Delivery,
) -> Step<(Attempt, SecretFields)> {
    let delivery = match delivery {
        manifest::Delivery::Typed => Delivery::Typed,
        manifest::Delivery::Answered => Delivery::Answered,
        manifest::Delivery::Env => Delivery::Env,
    };
    let (kind, version) = (credential.kind, credential.version);
    let automatic = matches!(run.cause, Cause::Schedule | Cause::Retry);
    let now = inner.now();
    let denied = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&denied);
    let check = Box::new(move |history: &[AttemptRow]| {
        let facts: Vec<AttemptFact> = history.iter().map(fact).collect();
        ledger::may_submit(&facts, kind, version, delivery, automatic, now).map_err(|why| {
            *lock(&seen) = Some(why);
            why.to_string()
        })
    });
    let id = AttemptId::new(&*inner.clock, &*inner.rng);
    let address =
        SecretAddress { owner: source.owner, source: source.id, connector: source.connector.clone(), kind, version };
    let new = NewAttempt { id, address, run: run.id, origin: None, step: None, code_index: None, at: now };
    let detail = [("kind", kind.as_str()), ("version", &*version.to_string()), ("run", &*run.id.to_string())];
    let actor = run.id.to_string();
    let subject = source.id.to_string();
    let audit = inner.audited(&actor, "secret.take", &subject, &detail);
    let committed = match inner.vault_db.commit_attempt(new, check, audit) {
        Ok(committed) => committed,
        Err(AttemptError::Store(error)) => return Err(from_store(error).into()),
        Err(AttemptError::Refused(why)) => {
            inner.record(&actor, "secret.denied", &subject, &[("why", &why)])?;
            let reason = match *lock(&denied) {
                Some(Denied::Unknown) => OwnerReason::AttemptUnknown,
                _ => OwnerReason::CredentialRejected,
            };
            return Verdict::needs_owner(reason, format!("{why}.")).stop();
        }
    };
    inner.tell(Event::Source { source: source.id });
    let mut attempt = Attempt { id, source: source.id, state: AttemptState::Submitted };
    let payload = match credential.vault.take(committed) {
        Ok(payload) => payload,
        Err(error) => {
            tracing::error!(source = %source.id, %error, "a sealed secret does not open");
            // It never left the vault, so no provider could judge it.
            attempt.resolve(inner, AttemptState::Unjudged)?;
            inner.record(&actor, "secret.denied", &subject, &[("why", &error.to_string())])?;
            let what = "The saved sign-in details do not open for this source.";
            return Err(Problem::new(ProblemCode::VaultUnavailable, what, "Give them again.").into());
        }
    };
    let mut fields = SecretFields::new();
    for (name, value) in payload.into_fields() {
        fields.insert(name, value).map_err(|_| {
            Problem::new(ProblemCode::VaultUnavailable, "The saved sign-in details are not text.", "Give them again.")
        })?;
    }
    Ok((attempt, fields))
}

impl Attempt {
    /// Writes the answer down, once.
    pub(super) fn resolve(&mut self, inner: &Inner, state: AttemptState) -> Result<(), Problem> {
        if !self.state.may_become(state) {
            return Ok(());
        }
        let (attempt, outcome) = (self.id.to_string(), state.as_str());
        let audit = inner.audited("freehold", "attempt.resolve", &attempt, &[("outcome", outcome)]);
        inner.vault_db.resolve_attempt(self.id, state, inner.now(), audit).map_err(from_store)?;
        self.state = state;
        inner.counters.attempt(state);
        inner.tell(Event::Source { source: self.source });
        Ok(())
    }

    /// Whether its answer is not known yet.
    pub(super) fn is_open(&self) -> bool {
        self.state == AttemptState::Submitted
    }
}

fn fact(row: &AttemptRow) -> AttemptFact {
    AttemptFact { kind: row.kind, version: row.version, state: row.state, at: row.at, owner_asked_again: row.asked_again }
}
