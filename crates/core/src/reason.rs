//! Why a source or a run is not simply fine. The cause decides what the owner is asked to do, so each cause has a name.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A run cannot go on without the owner, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum OwnerReason {
    /// Nobody is signed in, in this source's browser profile.
    SignInRequired,
    /// A code is needed and there is no seed to make it from.
    CodeRequired,
    /// Something only a person can solve.
    Challenge,
    /// A yes on another device.
    Approval,
    /// No sign-in details are stored.
    CredentialMissing,
    /// The provider refused the stored sign-in details.
    CredentialRejected,
    /// An attempt was cut off before its answer was seen.
    AttemptUnknown,
    /// An account was seen for the first time.
    ConfirmIdentity,
    /// Another account than the confirmed one is signed in.
    IdentityMismatch,
    /// Which account is signed in could not be read.
    IdentityUnreadable,
    /// The provider wants a new password set.
    PasswordExpired,
    /// The provider locked the account.
    LockedOut {
        /// Until when, where the provider says.
        until: Option<Timestamp>,
    },
    /// Signed out again straight after signing in.
    SessionNotKept,
    /// A page the connector does not know.
    UnknownScreen,
    /// A page that asks for a secret at an address it is not for.
    WrongOrigin,
    /// The connector changed and asks for more than it had.
    ConnectorChanged,
    /// A wipe could not be verified.
    WipeUnverified,
}

/// A run failed without the owner being at fault or able to help at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum FailureReason {
    /// The provider could not be reached or answered badly. Never "bad credential".
    ProviderDown {
        /// When it is tried again.
        retry_at: Option<Timestamp>,
    },
    /// The provider asked for less.
    RateLimited {
        /// When it is tried again.
        retry_at: Option<Timestamp>,
    },
    /// The connector reported a failure, or ended with one.
    ConnectorFailed,
    /// The connector broke the protocol.
    ConnectorViolation,
    /// The data directory's disk is full.
    DiskFull,
    /// This machine cannot isolate a connector well enough to give it a secret.
    SandboxTooWeak,
}

/// What a source waits for; no one has to do anything but, at most, unlock the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum WaitReason {
    /// The vault is locked.
    WaitingForUnlock,
    /// Every browser is in use.
    WaitingForBrowser {
        /// Place in the queue, from 1.
        place: u32,
    },
    /// See [`FailureReason::ProviderDown`].
    ProviderDown {
        /// When it is tried again.
        retry_at: Option<Timestamp>,
    },
    /// See [`FailureReason::RateLimited`].
    RateLimited {
        /// When it is tried again.
        retry_at: Option<Timestamp>,
    },
}

/// What is broken; a person has to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum BrokenReason {
    /// The key given is not this vault's.
    VaultWrongKey,
    /// The vault's own records do not hold together.
    VaultCorrupt,
    /// There is data and no key.
    VaultKeyMissing,
    /// See [`FailureReason::ConnectorFailed`].
    ConnectorFailed,
    /// See [`FailureReason::ConnectorViolation`].
    ConnectorViolation,
    /// See [`FailureReason::DiskFull`].
    DiskFull,
    /// See [`FailureReason::SandboxTooWeak`].
    SandboxTooWeak,
}

macro_rules! named {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name in the database, the API and events.
            pub fn as_str(&self) -> &'static str {
                match self { $($type::$variant { .. } => $name),+ }
            }
        }
    };
}

named!(OwnerReason {
    SignInRequired => "sign_in_required",
    CodeRequired => "code_required",
    Challenge => "challenge",
    Approval => "approval",
    CredentialMissing => "credential_missing",
    CredentialRejected => "credential_rejected",
    AttemptUnknown => "attempt_unknown",
    ConfirmIdentity => "confirm_identity",
    IdentityMismatch => "identity_mismatch",
    IdentityUnreadable => "identity_unreadable",
    PasswordExpired => "password_expired",
    LockedOut => "locked_out",
    SessionNotKept => "session_not_kept",
    UnknownScreen => "unknown_screen",
    WrongOrigin => "wrong_origin",
    ConnectorChanged => "connector_changed",
    WipeUnverified => "wipe_unverified",
});

named!(FailureReason {
    ProviderDown => "provider_down",
    RateLimited => "rate_limited",
    ConnectorFailed => "connector_failed",
    ConnectorViolation => "connector_violation",
    DiskFull => "disk_full",
    SandboxTooWeak => "sandbox_too_weak",
});

named!(WaitReason {
    WaitingForUnlock => "waiting_for_unlock",
    WaitingForBrowser => "waiting_for_browser",
    ProviderDown => "provider_down",
    RateLimited => "rate_limited",
});

named!(BrokenReason {
    VaultWrongKey => "vault_wrong_key",
    VaultCorrupt => "vault_corrupt",
    VaultKeyMissing => "vault_key_missing",
    ConnectorFailed => "connector_failed",
    ConnectorViolation => "connector_violation",
    DiskFull => "disk_full",
    SandboxTooWeak => "sandbox_too_weak",
});
