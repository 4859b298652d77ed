//! What signing in takes from whoever holds a source's secrets, without knowing the vault or the ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::attempt::AttemptState;
use crate::{AttemptId, Problem, SecretBytes, SecretKind};

/// The secrets of the one source that is being signed in to.
///
/// Implemented from the vault, and from secrets given for one run. Each taking is one attempt: it is committed before anything is
/// handed over, and resolved once the provider's answer has been seen.
pub trait SignInSecrets {
    /// Whether a secret of that kind is there and may be used now: neither rejected, nor unknown, nor used up.
    fn has(&self, kind: SecretKind) -> bool;

    /// Commits the attempt and hands over what is to be typed at `origin`, which is the frame's own, read at this instant.
    fn take(&mut self, wanted: Wanted, origin: &str) -> Result<Given, NotGiven>;

    /// Writes down how the provider answered an attempt. One that was resolved already stays as it is.
    fn resolve(&mut self, attempt: AttemptId, state: AttemptState) -> Result<(), Problem>;
}

/// What is wanted to be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All fields of the form of that kind: the user name and the password are one secret.
    Fields(SecretKind),
    /// A one-time code made from the seed, for the present time step.
    OneTimeCode,
    /// The next recovery code; it is burnt by this.
    RecoveryCode,
}

/// What was handed over for one attempt.
pub struct Given {
    /// The attempt, on disk.
    pub attempt: AttemptId,
    /// By field name. A code has the single name `otp` or `recovery_code`.
    pub values: BTreeMap<String, SecretBytes>,
}

/// Why nothing was handed over. Only `Failed` is an error.
#[derive(Debug)]
pub enum NotGiven {
    /// There is none.
    Absent,
    /// The provider refused it before.
    Rejected,
    /// An earlier attempt was cut off before its answer was seen.
    Unknown,
    /// It was not sealed for this origin.
    WrongOrigin,
    /// The present time step is used, or has too little time left: ask again after this.
    NotYet(Duration),
    /// More would put the account at risk of being locked: too many sign-ins by themselves, or codes in one run.
    TooOften,
    /// A part of Freehold could not do its work.
    Failed(Problem),
}
