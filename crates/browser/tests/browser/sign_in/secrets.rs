//! Secrets in memory: the second implementation of what signing in takes them from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use freehold_core::attempt::AttemptState;
use freehold_core::sign_in::{Given, NotGiven, SignInSecrets, Wanted};
use freehold_core::{AttemptId, Problem, Rng, SecretBytes, SecretKind, SystemClock};

/// One source's, with every attempt on the record.
#[derive(Default)]
pub(crate) struct Secrets {
    pub(crate) fields: BTreeMap<SecretKind, Vec<(&'static str, String)>>,
    pub(crate) codes: Vec<&'static str>,
    pub(crate) recovery_codes: Vec<&'static str>,
    /// The origins they were sealed for; empty for all.
    pub(crate) origins: Vec<String>,
    /// How often a code is not there yet.
    pub(crate) not_yet: u32,
    pub(crate) unknown: bool,
    pub(crate) attempts: Vec<Attempt>,
    rejected: BTreeSet<SecretKind>,
}

pub(crate) struct Attempt {
    id: AttemptId,
    pub(crate) wanted: Wanted,
    pub(crate) origin: String,
    pub(crate) state: AttemptState,
}

impl Secrets {
    pub(crate) fn with(mut self, kind: SecretKind, fields: &[(&'static str, &str)]) -> Self {
        self.fields.insert(kind, fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect());
        self
    }

    /// The states of the attempts, in order.
    pub(crate) fn states(&self) -> Vec<&'static str> {
        self.attempts.iter().map(|attempt| attempt.state.as_str()).collect()
    }

    fn give(&mut self, wanted: Wanted, origin: &str, values: BTreeMap<String, SecretBytes>) -> Given {
        let id = AttemptId::new(&SystemClock, &Number(self.attempts.len() as u8));
        self.attempts.push(Attempt { id, wanted, origin: origin.to_owned(), state: AttemptState::Submitted });
        Given { attempt: id, values }
    }
}

struct Number(u8);

impl Rng for Number {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

impl SignInSecrets for Secrets {
    fn has(&self, kind: SecretKind) -> bool {
        !self.rejected.contains(&kind)
            && match kind {
                SecretKind::OtpSeed => !self.codes.is_empty(),
                SecretKind::RecoveryCodes => !self.recovery_codes.is_empty(),
                kind => self.fields.contains_key(&kind),
            }
    }

    fn take(&mut self, wanted: Wanted, origin: &str) -> Result<Given, NotGiven> {
        if !self.origins.is_empty() && !self.origins.iter().any(|sealed| sealed == origin) {
            return Err(NotGiven::WrongOrigin);
        }
        let values = match wanted {
            Wanted::Fields(kind) if self.rejected.contains(&kind) => return Err(NotGiven::Rejected),
            Wanted::Fields(_) if self.unknown => return Err(NotGiven::Unknown),
            Wanted::Fields(kind) => {
                let fields = self.fields.get(&kind).ok_or(NotGiven::Absent)?;
                fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect()
            }
            Wanted::OneTimeCode if self.codes.is_empty() => return Err(NotGiven::Absent),
            Wanted::OneTimeCode if self.not_yet > 0 => {
                self.not_yet -= 1;
                return Err(NotGiven::NotYet(Duration::from_millis(300)));
            }
            Wanted::OneTimeCode => [("otp".to_owned(), self.codes.remove(0).to_owned().into())].into(),
            Wanted::RecoveryCode if self.recovery_codes.is_empty() => return Err(NotGiven::Absent),
            Wanted::RecoveryCode => [("recovery_code".to_owned(), self.recovery_codes.remove(0).to_owned().into())].into(),
        };
        Ok(self.give(wanted, origin, values))
    }

    fn resolve(&mut self, id: AttemptId, state: AttemptState) -> Result<(), Problem> {
        let attempt = self.attempts.iter_mut().find(|attempt| attempt.id == id).expect("an attempt that was given");
        if attempt.state.may_become(state) {
            attempt.state = state;
            if let (AttemptState::Rejected, Wanted::Fields(kind)) = (state, attempt.wanted) {
                self.rejected.insert(kind);
            }
        }
        Ok(())
    }
}
