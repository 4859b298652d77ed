//! What binds a sealed secret, and the sealed bytes themselves.

use crate::{ConnectorName, OwnerId, SecretKind, SourceId};

/// Exactly which secret is meant: everything a seal is bound to that a caller decides (R2). It comes from the run that needs the
/// secret, never from the row the secret is read from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretAddress {
    /// Whose it is.
    pub owner: OwnerId,
    /// The one source it is for.
    pub source: SourceId,
    /// That source's connector.
    pub connector: ConnectorName,
    /// What kind of secret.
    pub kind: SecretKind,
    /// Which version of it, from 1.
    pub version: u32,
}

/// A sealed secret: header, commitment and ciphertext as one opaque string of bytes, laid out by the vault. Anyone may carry or
/// store it; only the vault opens it, and only for the address it was sealed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBytes(pub Vec<u8>);
