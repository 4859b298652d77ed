//! The secret of a channel of notifications: the server's own way out to the owner, never a source's.

use std::collections::BTreeMap;

use freehold_core::id::ChannelId;
use freehold_core::{Rng, SealedBytes, SecretBytes};

use crate::context::Context;
use crate::payload::{SAME_SECRET_LEN, SecretPayload};
use crate::sealed;
use crate::vault::Vault;

/// The one field of the payload.
const FIELD: &str = "secret";

/// Why a channel's secret cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelSecretError {
    /// Damaged, or sealed for another channel or by another vault.
    #[error("the channel's secret does not open with this vault")]
    NotOpened,
    /// It was given for other settings than the channel has now.
    #[error("the channel's settings are not the ones its secret was given for")]
    OtherDestination,
}

impl Vault {
    /// Seals a channel's secret, together with where it may be sent.
    pub fn seal_channel_secret(
        &self,
        channel: ChannelId,
        secret: SecretBytes,
        destination: Vec<String>,
        rng: &dyn Rng,
    ) -> SealedBytes {
        let payload = SecretPayload::new(BTreeMap::from([(FIELD.to_owned(), secret)]), Vec::new(), destination);
        // A hash to tell a retyped secret by has no use here.
        let bytes = payload.encode(&[0; SAME_SECRET_LEN]);
        self.seal_by_root(&Context::ChannelSecret { owner: self.owner(), channel }, &bytes, rng)
    }

    /// Opens it, for exactly the destination it was sealed for.
    pub fn open_channel_secret(
        &self,
        channel: ChannelId,
        sealed: &SealedBytes,
        destination: &[String],
    ) -> Result<SecretBytes, ChannelSecretError> {
        let context = Context::ChannelSecret { owner: self.owner(), channel };
        let bytes = self.open_by_root(&context, sealed).map_err(|_: sealed::NotOpened| ChannelSecretError::NotOpened)?;
        let payload = SecretPayload::decode(&bytes).ok_or(ChannelSecretError::NotOpened)?;
        if payload.hosts() != destination {
            return Err(ChannelSecretError::OtherDestination);
        }
        payload.into_fields().remove(FIELD).ok_or(ChannelSecretError::NotOpened)
    }
}

#[cfg(test)]
mod tests {
    use freehold_core::OwnerId;

    use super::*;
    use crate::OsRng;

    fn channel(last: char) -> ChannelId {
        ChannelId::parse(&format!("chn_0000000000000000000000000{last}")).expect("a channel's id")
    }

    #[test]
    fn it_opens_for_its_channel_and_destination_and_nothing_else() {
        let owner = OwnerId::parse("own_00000000000000000000000001").expect("an owner's id");
        let (vault, _) = Vault::create(owner, &OsRng);
        let home = vec!["mail.example.org:465".to_owned()];
        let secret = || SecretBytes::from("hunter2".to_owned());
        let sealed = vault.seal_channel_secret(channel('1'), secret(), home.clone(), &OsRng);
        assert_eq!(vault.open_channel_secret(channel('1'), &sealed, &home).expect("it opens").len(), 7);
        let refused = |vault: &Vault, id, destination: &[String]| vault.open_channel_secret(id, &sealed, destination).err();
        assert_eq!(refused(&vault, channel('2'), &home), Some(ChannelSecretError::NotOpened));
        let elsewhere = ["evil.example.org:465".to_owned()];
        assert_eq!(refused(&vault, channel('1'), &elsewhere), Some(ChannelSecretError::OtherDestination));
        assert_eq!(refused(&vault, channel('1'), &[]), Some(ChannelSecretError::OtherDestination));
        let (other, _) = Vault::create(owner, &OsRng);
        assert_eq!(refused(&other, channel('1'), &home), Some(ChannelSecretError::NotOpened));
    }
}
