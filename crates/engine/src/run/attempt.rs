//! The one attempt of a run: committed to the ledger before the secret is opened, and resolved when its answer is known.

use std::sync::{Arc, Mutex};

use freehold_core::attempt::AttemptState;
use freehold_core::reason::OwnerReason;
use freehold_core::run::Cause;
use freehold_core::{AttemptId, Problem, ProblemCode, SecretAddress, SourceId};
use freehold_protocol::manifest;
use freehold_protocol::secret_text::SecretFields;
use freehold_store::{AttemptError, AttemptRow, NewAttempt, RunRow, SourceRow};
use freehold_vault::SecretPayload;
use freehold_vault::ledger::{self, AttemptFact, Delivery, Denied};

use super::prepare::Credential;
use super::verdict::{Step, Verdict};
use crate::audit::Action;
use crate::event::Event;
use crate::problem::from_store;
use crate::server::{Inner, lock};

/// A secret that was handed out, waiting for its answer.
pub(super) struct Attempt {
    id: AttemptId,
    source: SourceId,
    pub(super) state: AttemptState,
}

/// Why no attempt was made.
pub(super) enum NotCommitted {
    /// The ledger's rules are against it; the rule's name, where it is one of the vault's.
    Refused(Option<Denied>, String),
    /// It was committed, and the secret does not open. It is resolved as unjudged.
    NotOpened,
    /// A part of Freehold could not do its work.
    Failed(Problem),
}

impl From<Problem> for NotCommitted {
    fn from(problem: Problem) -> Self {
        NotCommitted::Failed(problem)
    }
}

/// Where a secret is about to go, and which part of it.
#[derive(Default)]
pub(super) struct Use {
    /// Where it is typed, if it is typed.
    pub(super) origin: Option<String>,
    /// The time step of a one-time code.
    pub(super) step: Option<i64>,
    /// Which recovery code.
    pub(super) code_index: Option<u32>,
}

/// Commits the attempt and opens the secret for a connector that is given it.
pub(super) fn submit(
    inner: &Inner,
    run: &RunRow,
    source: &SourceRow,
    credential: &Credential,
    delivery: manifest::Delivery,
) -> Step<(Attempt, SecretFields)> {
    let (attempt, payload) = match commit(inner, run, source, credential, delivery, Use::default()) {
        Ok(committed) => committed,
        Err(NotCommitted::Refused(denied, why)) => {
            let reason = match denied {
                Some(Denied::Unknown) => OwnerReason::AttemptUnknown,
                _ => OwnerReason::CredentialRejected,
            };
            return Verdict::needs_owner(reason, format!("{why}.")).stop();
        }
        Err(NotCommitted::NotOpened) => return Err(not_opened().into()),
        Err(NotCommitted::Failed(problem)) => return Err(problem.into()),
    };
    let mut fields = SecretFields::new();
    for (name, value) in payload.into_fields() {
        fields.insert(name, value).map_err(|_| {
            Problem::new(ProblemCode::VaultUnavailable, "The saved sign-in details are not text.", "Give them again.")
        })?;
    }
    Ok((attempt, fields))
}

/// What is said of a sealed secret that does not open.
pub(super) fn not_opened() -> Problem {
    let what = "The saved sign-in details do not open for this source.";
    Problem::new(ProblemCode::VaultUnavailable, what, "Give them again.")
}

/// Commits the attempt and opens the secret for it: the only way a run comes to one.
pub(super) fn commit(
    inner: &Inner,
    run: &RunRow,
    source: &SourceRow,
    credential: &Credential,
    delivery: manifest::Delivery,
    using: Use,
) -> Result<(Attempt, SecretPayload), NotCommitted> {
    let delivery = match delivery {
        manifest::Delivery::Typed => Delivery::Typed,
        manifest::Delivery::Answered => Delivery::Answered,
        manifest::Delivery::Env => Delivery::Env,
    };
    let (kind, version) = (credential.kind, credential.version);
    // A code is spent by its own index or time step, which the ledger holds unique; the rules are for what can be used again.
    let is_code = using.step.is_some() || using.code_index.is_some();
    let automatic = matches!(run.cause, Cause::Schedule | Cause::Retry);
    let now = inner.now();
    let denied = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&denied);
    let check = Box::new(move |history: &[AttemptRow]| {
        if is_code {
            return Ok(());
        }
        let facts: Vec<AttemptFact> = history.iter().map(fact).collect();
        ledger::may_submit(&facts, kind, version, delivery, automatic, now).map_err(|why| {
            *lock(&seen) = Some(why);
            why.to_string()
        })
    });
    let id = AttemptId::new(&*inner.clock, &*inner.rng);
    let address =
        SecretAddress { owner: source.owner, source: source.id, connector: source.connector.clone(), kind, version };
    let new = NewAttempt {
        id,
        address,
        run: run.id,
        given: credential.given.clone(),
        origin: using.origin,
        step: using.step,
        code_index: using.code_index,
        at: now,
    };
    let detail = [("kind", kind.as_str()), ("version", &*version.to_string()), ("run", &*run.id.to_string())];
    let actor = run.id.to_string();
    let subject = source.id.to_string();
    let audit = inner.audited(&actor, Action::SecretTake, &subject, &detail);
    let committed = match inner.vault_db.commit_attempt(new, check, audit) {
        Ok(committed) => committed,
        Err(AttemptError::Store(error)) => return Err(from_store(error).into()),
        Err(AttemptError::Refused(why)) => {
            inner.record(&actor, Action::SecretDenied, &subject, &[("why", &why)])?;
            inner.tell(Event::Source { source: source.id });
            let denied = *lock(&denied);
            return Err(NotCommitted::Refused(denied, why));
        }
    };
    inner.tell(Event::Source { source: source.id });
    let mut attempt = Attempt { id, source: source.id, state: AttemptState::Submitted };
    match credential.vault.take(committed) {
        Ok(payload) => Ok((attempt, payload)),
        Err(error) => {
            tracing::error!(source = %source.id, %error, "a sealed secret does not open");
            // It never left the vault, so no provider could judge it.
            attempt.resolve(inner, AttemptState::Unjudged)?;
            inner.record(&actor, Action::SecretDenied, &subject, &[("why", &error.to_string())])?;
            Err(NotCommitted::NotOpened)
        }
    }
}

impl Attempt {
    /// The ledger row.
    pub(super) fn id(&self) -> AttemptId {
        self.id
    }

    /// Writes the answer down, once.
    pub(super) fn resolve(&mut self, inner: &Inner, state: AttemptState) -> Result<(), Problem> {
        if !self.state.may_become(state) {
            return Ok(());
        }
        let (attempt, outcome) = (self.id.to_string(), state.as_str());
        let audit = inner.audited("freehold", Action::AttemptResolve, &attempt, &[("outcome", outcome)]);
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
