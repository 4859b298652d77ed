//! The mode of a source, and the state of its sign-in details.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How Freehold signs in to a source. Each source is in exactly one mode, chosen by the owner before setup begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialMode {
    /// Sign-in details sealed for this source, used again when its session expires.
    StoredCredential,
    /// The owner signs in in the secure browser; nothing typed is stored.
    StreamedBrowser,
    /// As the streamed browser, and everything is gone after the run.
    EphemeralBrowser,
}

impl CredentialMode {
    /// The name in the database, the API and manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            CredentialMode::StoredCredential => "stored_credential",
            CredentialMode::StreamedBrowser => "streamed_browser",
            CredentialMode::EphemeralBrowser => "ephemeral_browser",
        }
    }

    /// The mode of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::StoredCredential, Self::StreamedBrowser, Self::EphemeralBrowser]
            .into_iter()
            .find(|mode| mode.as_str() == name)
    }
}

/// What is known of a source's sign-in details: never just "done" (R11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CredentialState {
    /// Nothing is stored.
    None,
    /// Sealed, not tried yet.
    Saved,
    /// An attempt with it is under way.
    Verifying,
    /// The provider accepted it.
    Verified {
        /// When.
        when: Timestamp,
    },
    /// The provider refused it; it is never submitted again.
    Rejected {
        /// When.
        when: Timestamp,
    },
    /// An attempt was cut off before its answer; it is not repeated by itself.
    Unknown {
        /// When.
        when: Timestamp,
    },
}
