//! A run's secrets for signing in on pages, from the vault: each taking is an attempt on disk before it is anything else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use freehold_core::attempt::AttemptState;
use freehold_core::run::RunEvent;
use freehold_core::sign_in::{Given, NotGiven, SignInSecrets, Wanted};
use freehold_core::{AttemptId, CredentialMode, Problem, SecretBytes, SecretKind};
use freehold_protocol::manifest::Delivery;
use freehold_store::{AttemptRow, RunRow, SecretState, SourceRow};
use freehold_vault::SecretPayload;
use freehold_vault::ledger::Denied;
use freehold_vault::one_time_code::one_time_code;
use freehold_vault::recovery_codes;

use super::attempt::{self, Attempt, NotCommitted, Use, not_opened};
use super::prepare::{Chosen, Credential, choose};
use crate::problem::from_store;
use crate::server::Inner;

/// The time step of nearly every seed, in seconds (RFC 6238, section 5.2). A seed is opened only after its step is in the ledger, so
/// the ledger counts in steps of this length.
const STEP: i64 = 30;
/// With less than this left of a step, the code might arrive after its end.
const ENOUGH_LEFT: Duration = Duration::from_secs(10);
/// More wrong codes than this in one run, and a provider may lock the account.
const CODES_A_RUN: usize = 2;

/// The secrets of the source a run is for. Outside mode 1 it has none but those given for this run.
pub(super) struct VaultSecrets<'a> {
    inner: &'a Inner,
    run: &'a RunRow,
    source: &'a SourceRow,
    attempts: Vec<Attempt>,
    codes: usize,
}

impl<'a> VaultSecrets<'a> {
    pub(super) fn new(inner: &'a Inner, run: &'a RunRow, source: &'a SourceRow) -> Self {
        Self { inner, run, source, attempts: Vec::new(), codes: 0 }
    }

    /// Ends every attempt whose answer is not known yet.
    pub(super) fn settle(&mut self, state: AttemptState) -> Result<(), Problem> {
        self.attempts.iter_mut().try_for_each(|attempt| attempt.resolve(self.inner, state))
    }

    /// The kind's newest usable version, and the handle that opens it.
    fn credential(&self, kind: SecretKind) -> Result<Credential, NotGiven> {
        if let Some(given) = self.inner.given(self.run.id, kind) {
            return self.unless_used(given);
        }
        if self.source.mode != CredentialMode::StoredCredential {
            return Err(NotGiven::Absent);
        }
        // Codes that may have been used since a backup was made are the owner's to use.
        if kind == SecretKind::RecoveryCodes
            && self.inner.codes_in_doubt(self.source.id).map_err(NotGiven::Failed)?.is_some()
        {
            return Err(NotGiven::Absent);
        }
        let version = match choose(self.inner, self.source.id, kind).map_err(NotGiven::Failed)? {
            Chosen::Version(version) => version,
            Chosen::None(Some(SecretState::Rejected)) => return Err(NotGiven::Rejected),
            Chosen::None(Some(SecretState::Unknown)) => return Err(NotGiven::Unknown),
            Chosen::None(_) => return Err(NotGiven::Absent),
        };
        let vault = self.inner.source_vault(self.source.id, &self.source.connector).map_err(NotGiven::Failed)?;
        Ok(Credential { kind, version, vault: Arc::new(vault.ok_or(NotGiven::Absent)?), given: None })
    }

    /// What was given for this run has no row that says what became of it; the ledger does.
    fn unless_used(&self, given: Credential) -> Result<Credential, NotGiven> {
        let attempts = self.inner.vault_db.attempts(self.source.id).map_err(|error| NotGiven::Failed(from_store(error)))?;
        let of_version = |row: &&AttemptRow| row.kind == given.kind && row.version == given.version;
        let last = attempts.iter().rfind(of_version).map(|row| row.state);
        let is_code = matches!(given.kind, SecretKind::OtpSeed | SecretKind::RecoveryCodes);
        match last {
            Some(AttemptState::Rejected) if !is_code => Err(NotGiven::Rejected),
            Some(AttemptState::Unknown) if !is_code => Err(NotGiven::Unknown),
            _ => Ok(given),
        }
    }

    /// Commits, opens, and checks that the secret was sealed for this origin.
    fn commit(&mut self, credential: &Credential, using: Use, origin: &str) -> Result<(AttemptId, SecretPayload), NotGiven> {
        let using = Use { origin: Some(origin.to_owned()), ..using };
        let committed = attempt::commit(self.inner, self.run, self.source, credential, Delivery::Typed, using);
        let (mut attempt, payload) = committed.map_err(|refusal| match refusal {
            NotCommitted::Refused(Some(Denied::Rejected), _) => NotGiven::Rejected,
            NotCommitted::Refused(Some(Denied::Unknown), _) => NotGiven::Unknown,
            NotCommitted::Refused(Some(Denied::TooSoon { .. } | Denied::TooMany { .. }), _) => NotGiven::TooOften,
            NotCommitted::Refused(None, _) => NotGiven::NotYet(Duration::from_secs(1)),
            NotCommitted::NotOpened => NotGiven::Failed(not_opened()),
            NotCommitted::Failed(problem) => NotGiven::Failed(problem),
        })?;
        if !payload.origins().iter().any(|sealed| sealed == origin) {
            attempt.resolve(self.inner, AttemptState::Unjudged).map_err(NotGiven::Failed)?;
            return Err(NotGiven::WrongOrigin);
        }
        let id = attempt.id();
        let event = RunEvent::SignIn { attempt: Some(id) };
        self.inner.data.transition(self.run.id, event, None).map_err(|error| NotGiven::Failed(from_store(error)))?;
        self.inner.tell_run(self.run);
        self.attempts.push(attempt);
        Ok((id, payload))
    }

    fn one_time_code(&mut self, origin: &str) -> Result<Given, NotGiven> {
        if self.codes == CODES_A_RUN {
            return Err(NotGiven::TooOften);
        }
        let credential = self.credential(SecretKind::OtpSeed)?;
        let now = self.inner.now();
        let seconds = now.as_second();
        let left = Duration::from_secs((STEP - seconds.rem_euclid(STEP)).unsigned_abs());
        if left < ENOUGH_LEFT {
            return Err(NotGiven::NotYet(left));
        }
        let step = seconds.div_euclid(STEP);
        // Up to the moment a backup was restored, another machine may have used any step.
        let restored = self.inner.restored_at().map_err(NotGiven::Failed)?;
        if restored.is_some_and(|at| step <= at.as_second().div_euclid(STEP)) {
            return Err(NotGiven::NotYet(left));
        }
        let using = Use { step: Some(step), ..Use::default() };
        let (attempt, payload) = match self.commit(&credential, using, origin) {
            // The step is used: by this run a moment ago, or by another.
            Err(NotGiven::NotYet(_)) => return Err(NotGiven::NotYet(left)),
            committed => committed?,
        };
        let made = payload.into_fields().into_values().find_map(|seed| one_time_code(&seed, now));
        let Some(made) = made else { return Err(NotGiven::Failed(not_opened())) };
        // A seed with longer steps: the present one may have been used under another number, or be about to end.
        let used = |row: &AttemptRow| {
            row.step.is_some_and(|step| {
                let at = step.saturating_mul(STEP).unsigned_abs();
                row.id != attempt && at / made.period == seconds.unsigned_abs() / made.period
            })
        };
        let history = self.inner.vault_db.attempts(self.source.id).map_err(|error| NotGiven::Failed(from_store(error)))?;
        if made.left < ENOUGH_LEFT || history.iter().any(used) {
            self.resolve(attempt, AttemptState::Unjudged).map_err(NotGiven::Failed)?;
            return Err(NotGiven::NotYet(made.left));
        }
        self.codes += 1;
        Ok(given(attempt, "otp", made.code))
    }

    fn recovery_code(&mut self, origin: &str) -> Result<Given, NotGiven> {
        let credential = self.credential(SecretKind::RecoveryCodes)?;
        let history = self.inner.vault_db.attempts(self.source.id).map_err(|error| NotGiven::Failed(from_store(error)))?;
        let of_version = |row: &&AttemptRow| row.kind == SecretKind::RecoveryCodes && row.version == credential.version;
        let next = history.iter().filter(of_version).filter_map(|row| row.code_index).max().map_or(0, |last| last + 1);
        let (attempt, payload) = self.commit(&credential, Use { code_index: Some(next), ..Use::default() }, origin)?;
        let codes = payload.into_fields().into_values().next().and_then(|codes| recovery_codes::split(&codes).ok());
        match codes.unwrap_or_default().into_iter().nth(next as usize) {
            Some(code) => Ok(given(attempt, "recovery_code", code)),
            None => {
                self.resolve(attempt, AttemptState::Unjudged).map_err(NotGiven::Failed)?;
                Err(NotGiven::Absent)
            }
        }
    }
}

impl SignInSecrets for VaultSecrets<'_> {
    fn has(&self, kind: SecretKind) -> bool {
        self.credential(kind).is_ok()
    }

    fn take(&mut self, wanted: Wanted, origin: &str) -> Result<Given, NotGiven> {
        match wanted {
            Wanted::Fields(kind) => {
                let credential = self.credential(kind)?;
                let (attempt, payload) = self.commit(&credential, Use::default(), origin)?;
                Ok(Given { attempt, values: payload.into_fields() })
            }
            Wanted::OneTimeCode => self.one_time_code(origin),
            Wanted::RecoveryCode => self.recovery_code(origin),
        }
    }

    fn resolve(&mut self, attempt: AttemptId, state: AttemptState) -> Result<(), Problem> {
        match self.attempts.iter_mut().find(|known| known.id() == attempt) {
            Some(attempt) => attempt.resolve(self.inner, state),
            None => Ok(()),
        }
    }
}

fn given(attempt: AttemptId, name: &str, code: SecretBytes) -> Given {
    Given { attempt, values: BTreeMap::from([(name.to_owned(), code)]) }
}
