//! The handle on one source's secrets.

use std::sync::Mutex;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use freehold_core::{CommittedAttempt, ConnectorName, OwnerId, Rng, SealedBytes, SecretAddress, SecretKind, SourceId};
use zeroize::Zeroizing;

use crate::{SecretPayload, context::Context, key::Key, sealed, vault::KeyState};

/// The source a handle is for, as the caller's run knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceBinding {
    /// Whose it is.
    pub owner: OwnerId,
    /// The source.
    pub source: SourceId,
    /// Its connector.
    pub connector: ConnectorName,
}

/// Why there is no handle.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The source is another owner's.
    #[error("{source_id} belongs to another owner than this vault")]
    OtherOwner {
        /// The source asked for.
        source_id: SourceId,
    },
    /// A key's row was changed, damaged, or belongs to another source or generation.
    #[error(
        "generation {generation} of the key of {source_id} does not open: restore vault.db from a backup, or forget and re-enter its sign-in details"
    )]
    Key {
        /// The source asked for.
        source_id: SourceId,
        /// The generation that failed.
        generation: u32,
    },
    /// There is not exactly one active generation, or a generation came twice.
    #[error("{source_id} has {active} active keys among {all}, and needs exactly one and no generation twice")]
    Generations {
        /// The source asked for.
        source_id: SourceId,
        /// How many are active.
        active: usize,
        /// How many there are.
        all: usize,
    },
}

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The handle has been revoked.
    #[error("the handle on {source_id} has been revoked: unlock the vault and start again")]
    Revoked {
        /// The handle's source.
        source_id: SourceId,
    },
}

/// Why a secret was not opened. The attempt was committed and nothing reached the provider: it is resolved as unjudged.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The handle has been revoked.
    #[error("the handle on {source_id} has been revoked: unlock the vault and start again")]
    Revoked {
        /// The handle's source.
        source_id: SourceId,
    },
    /// The secret asked for is another source's, owner's or connector's (R2).
    #[error("a secret of {asked} was asked for with the handle on {source_id}: refused")]
    OtherSource {
        /// The handle's source.
        source_id: SourceId,
        /// The source of the secret asked for.
        asked: SourceId,
    },
    /// The header is not a known format's, or names a generation that is neither active nor retiring.
    #[error("the stored {} of {source_id} is of an unknown format or key: give it again", .kind.as_str())]
    Header {
        /// The handle's source.
        source_id: SourceId,
        /// The kind asked for.
        kind: SecretKind,
    },
    /// Damaged, moved from another row, or sealed for another version.
    #[error("the stored {} of {source_id}, version {version}, does not open: it was damaged or moved. Give it again", .kind.as_str())]
    NotOpened {
        /// The handle's source.
        source_id: SourceId,
        /// The kind asked for.
        kind: SecretKind,
        /// The version asked for.
        version: u32,
    },
}

/// The keys of one source's secrets, for one run or one change. It opens a secret only for a committed attempt, and only one of
/// its own source; dropping or [revoking](SourceVault::revoke) it wipes the keys.
pub struct SourceVault {
    binding: SourceBinding,
    // Empty once revoked. Another thread revokes, so the keys are behind a lock.
    keys: Mutex<Vec<SourceKey>>,
}

/// One opened generation.
struct SourceKey {
    generation: u32,
    state: KeyState,
    key: Key,
    // Derived once here, since deriving costs as much as sealing.
    same_secret: Key,
}

impl SourceVault {
    pub(crate) fn new(binding: SourceBinding, keys: Vec<(u32, KeyState, Key)>) -> Result<Self, OpenError> {
        let active = keys.iter().filter(|(_, state, _)| *state == KeyState::Active).count();
        let twice = keys.iter().enumerate().any(|(at, (one, ..))| keys[..at].iter().any(|(other, ..)| one == other));
        if active != 1 || twice {
            return Err(OpenError::Generations { source_id: binding.source, active, all: keys.len() });
        }
        let SourceBinding { owner, source, connector } = &binding;
        let derived = |(generation, state, key): (u32, KeyState, Key)| {
            let context = Context::SameSecret { owner: *owner, source: *source, connector, generation };
            SourceKey { generation, state, same_secret: sealed::subkey(&key, &context), key }
        };
        let keys = keys.into_iter().map(derived).collect();
        Ok(Self { binding, keys: Mutex::new(keys) })
    }

    /// Keys for secrets that are given for one run and sealed nowhere but in memory, which is locked where the system allows it. With
    /// the handle goes all that was sealed by it.
    pub fn for_one_run(binding: SourceBinding, rng: &dyn Rng) -> Self {
        const GENERATION: u32 = 1;
        let key = Key::random_locked(rng);
        let SourceBinding { owner, source, connector } = &binding;
        let context = Context::SameSecret { owner: *owner, source: *source, connector, generation: GENERATION };
        let same_secret = sealed::subkey(&key, &context);
        let keys = vec![SourceKey { generation: GENERATION, state: KeyState::Active, same_secret, key }];
        Self { binding, keys: Mutex::new(keys) }
    }

    /// Whether its keys are in memory that is never written to swap.
    pub fn is_locked_in_memory(&self) -> bool {
        self.lock().iter().all(|key| key.key.is_locked())
    }

    /// The source it is for.
    pub fn binding(&self) -> &SourceBinding {
        &self.binding
    }

    /// Wipes the keys now; every later use fails. Callable from another thread, as when the vault is locked during a run.
    pub fn revoke(&self) {
        self.lock().clear();
    }

    /// Seals `payload` as one version of one kind, under the active key.
    pub fn seal(
        &self,
        kind: SecretKind,
        version: u32,
        payload: &SecretPayload,
        rng: &dyn Rng,
    ) -> Result<SealedBytes, SealError> {
        let keys = self.lock();
        let Some(active) = keys.iter().find(|key| key.state == KeyState::Active) else {
            return Err(SealError::Revoked { source_id: self.binding.source });
        };
        let plaintext = payload.encode(&payload.keyed_hash(&active.same_secret));
        Ok(sealed::seal(&active.key, &self.context(kind, version, active.generation), &plaintext, rng))
    }

    /// Opens the secret of a committed attempt and consumes the attempt. Everything that binds comes from this handle and the
    /// attempt's address; the sealed bytes only say which of this handle's keys to use.
    pub fn take(&self, attempt: CommittedAttempt) -> Result<SecretPayload, TakeError> {
        let keys = self.lock();
        let (_, plaintext) = self.open(&keys, attempt.address(), attempt.sealed())?;
        SecretPayload::decode(&plaintext).ok_or_else(|| self.not_opened(attempt.address()))
    }

    /// Whether `candidate` is the very secret sealed at `address`, so that a rejected value typed again can be called the same.
    /// Origins and hosts do not count. Nothing but the yes or no leaves.
    pub fn is_same_secret(
        &self,
        address: &SecretAddress,
        sealed: &SealedBytes,
        candidate: &SecretPayload,
    ) -> Result<bool, TakeError> {
        let keys = self.lock();
        let (key, plaintext) = self.open(&keys, address, sealed)?;
        let kept = SecretPayload::same_secret_hash(&plaintext).ok_or_else(|| self.not_opened(address))?;
        Ok(verify_slices_are_equal(kept, &candidate.keyed_hash(&key.same_secret)).is_ok())
    }

    fn open<'a>(
        &self,
        keys: &'a [SourceKey],
        address: &SecretAddress,
        sealed: &SealedBytes,
    ) -> Result<(&'a SourceKey, Zeroizing<Vec<u8>>), TakeError> {
        let source_id = self.binding.source;
        let SecretAddress { owner, source, connector, kind, version } = address;
        if *owner != self.binding.owner || *source != source_id || *connector != self.binding.connector {
            return Err(TakeError::OtherSource { source_id, asked: *source });
        }
        if keys.is_empty() {
            return Err(TakeError::Revoked { source_id });
        }
        let named = sealed::generation(sealed).and_then(|named| keys.iter().find(|key| key.generation == named));
        let Some(key) = named else { return Err(TakeError::Header { source_id, kind: *kind }) };
        let plaintext = sealed::open(&key.key, &self.context(*kind, *version, key.generation), sealed)
            .map_err(|_| self.not_opened(address))?;
        Ok((key, plaintext))
    }

    fn not_opened(&self, address: &SecretAddress) -> TakeError {
        TakeError::NotOpened { source_id: self.binding.source, kind: address.kind, version: address.version }
    }

    fn context(&self, kind: SecretKind, version: u32, generation: u32) -> Context<'_> {
        let SourceBinding { owner, source, connector } = &self.binding;
        Context::Secret { owner: *owner, source: *source, connector, kind, version, generation }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SourceKey>> {
        // Nothing panics while holding it, and a poisoned list of keys is still a list of keys.
        self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
