//! Attempts: each use of a secret towards a provider, committed to the ledger before it is made (R5).

use serde::{Deserialize, Serialize};

use crate::{AttemptId, SealedBytes, SecretAddress};

/// How an attempt ended, or that it has not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Committed; the provider's answer is not known yet.
    Submitted,
    /// The provider let us in.
    Accepted,
    /// The provider refused exactly this secret. It is never submitted again.
    Rejected,
    /// Cut off before the answer was seen. It is not repeated by itself.
    Unknown,
    /// The provider answered, but not about the secret: it was down, or asked for less. The secret is as good as before, and the
    /// back-off decides when it is tried again.
    Unjudged,
}

impl AttemptState {
    /// Whether an attempt in this state may still become `next`.
    pub fn may_become(self, next: AttemptState) -> bool {
        self == AttemptState::Submitted && next != AttemptState::Submitted
    }

    /// The name in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            AttemptState::Submitted => "submitted",
            AttemptState::Accepted => "accepted",
            AttemptState::Rejected => "rejected",
            AttemptState::Unknown => "unknown",
            AttemptState::Unjudged => "unjudged",
        }
    }

    /// The state of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Submitted, Self::Accepted, Self::Rejected, Self::Unknown, Self::Unjudged]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// Proof that one use of one secret is on disk in the ledger, with the sealed bytes read in that same transaction. The vault opens
/// a secret for nothing else, and consumes it: one committed attempt, one opening.
#[derive(Debug)]
pub struct CommittedAttempt {
    id: AttemptId,
    address: SecretAddress,
    sealed: SealedBytes,
}

impl CommittedAttempt {
    /// For the ledger's own commit alone: the lints refuse it anywhere else.
    pub fn from_ledger(id: AttemptId, address: SecretAddress, sealed: SealedBytes) -> Self {
        Self { id, address, sealed }
    }

    /// The ledger row.
    pub fn id(&self) -> AttemptId {
        self.id
    }

    /// Which secret it allows to be opened.
    pub fn address(&self) -> &SecretAddress {
        &self.address
    }

    /// The bytes to open.
    pub fn sealed(&self) -> &SealedBytes {
        &self.sealed
    }
}
