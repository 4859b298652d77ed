//! Which account is actually signed in.

use serde::{Deserialize, Serialize};

/// An account as its provider shows it: `key` is compared, `display` is only ever shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The stable key, after the normalisation its manifest declares. The only part that is compared.
    pub key: String,
    /// What the owner reads.
    pub display: String,
}

impl Identity {
    /// Whether both are the same account.
    pub fn is_same_account(&self, other: &Identity) -> bool {
        self.key == other.key
    }
}

/// What a source knows about the account it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum IdentityState {
    /// Nothing yet: the next run is a probe, and keeps no record.
    Unconfirmed,
    /// Seen by a probe, waiting for the owner's yes.
    Proposed {
        /// What the probe saw.
        identity: Identity,
    },
    /// The owner said this is the account, or it equals the one named at setup.
    Confirmed {
        /// The account.
        identity: Identity,
    },
    /// The connector shows no identity, and the owner accepted that beforehand.
    AcceptedUnverified,
}
