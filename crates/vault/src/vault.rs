//! The unlocked vault: ROOT, and what it wraps.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hmac};
use freehold_core::{OwnerId, Rng, SealedBytes, SecretBytes, SourceId};
use zeroize::Zeroizing;

use crate::{
    PassphraseError, SlotKey, SlotKind, check_passphrase,
    context::Context,
    key::Key,
    passphrase::Stretch,
    profile_vault::ProfileVault,
    sealed::{self, NotOpened},
    source_vault::{OpenError, SourceBinding, SourceVault},
};

/// What a source's key is for. Destroying one leaves the other: forgetting sign-in details keeps the browser profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Sealing the source's secrets.
    Secrets,
    /// Sealing the source's browser profile.
    Profile,
}

impl KeyPurpose {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyPurpose::Secrets => "secrets",
            KeyPurpose::Profile => "profile",
        }
    }

    /// The purpose of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Secrets, Self::Profile].into_iter().find(|purpose| purpose.as_str() == name)
    }
}

/// Whether a generation of a source's key still seals, or only opens what it sealed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Seals and opens.
    Active,
    /// Only opens, until what it sealed has been sealed anew.
    Retiring,
}

impl KeyState {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyState::Active => "active",
            KeyState::Retiring => "retiring",
        }
    }

    /// The state of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Retiring].into_iter().find(|state| state.as_str() == name)
    }
}

/// One generation of a source's key as the database keeps it.
#[derive(Clone, Debug)]
pub struct WrappedKey {
    /// Which generation, from 1.
    pub generation: u32,
    /// Whether it still seals.
    pub state: KeyState,
    /// The key, wrapped by ROOT.
    pub wrapped: SealedBytes,
}

/// A value that shows an opened ROOT to be the one this vault was made with. It gives nothing away about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCheck([u8; 32]);

impl KeyCheck {
    /// The value kept in `bytes`, if there are exactly 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes to keep.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

/// Why a vault stays locked.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// The slot is undamaged and this key is not the one that wrapped it.
    #[error("this {} belongs to another vault: give the one made with this vault, or use another slot", words(*.slot))]
    WrongKey {
        /// Which slot was tried.
        slot: SlotKind,
    },
    /// The slot's bytes, or the key check beside them, are damaged.
    #[error("the vault's {} slot is damaged: unlock with another slot, or restore vault.db from a backup", words(*.slot))]
    Corrupt {
        /// Which slot was tried.
        slot: SlotKind,
    },
}

/// An unlocked vault: it holds ROOT, and locking it is dropping it. Handles given out before keep working until they are revoked.
pub struct Vault {
    owner: OwnerId,
    root: Key,
}

impl Vault {
    /// A new vault with a new ROOT. Wrap ROOT for at least one slot before dropping it.
    pub fn create(owner: OwnerId, rng: &dyn Rng) -> (Vault, KeyCheck) {
        let vault = Vault { owner, root: Key::random(rng) };
        let check = vault.key_check();
        (vault, check)
    }

    /// Unlocks with one slot's key. `wrapped_root` is that slot's row, `check` the vault's own.
    pub fn unlock(
        owner: OwnerId,
        key: &SlotKey,
        slot: SlotKind,
        wrapped_root: &SealedBytes,
        check: &KeyCheck,
    ) -> Result<Vault, UnlockError> {
        // A damaged commitment looks like a wrong key, so damage is looked for first.
        let Some(wrapped) = without_checksum(wrapped_root) else { return Err(UnlockError::Corrupt { slot }) };
        Self::unwrapped(owner, key, slot, &wrapped, check)
    }

    /// Unlocks with the passphrase of the slot `wrapped_root`. Takes a fraction of a second and 64 MiB: call it from a thread that may
    /// block.
    pub fn unlock_by_passphrase(
        owner: OwnerId,
        passphrase: &SecretBytes,
        wrapped_root: &SealedBytes,
        check: &KeyCheck,
    ) -> Result<Vault, UnlockError> {
        let slot = SlotKind::Passphrase;
        let parts = without_checksum(wrapped_root).and_then(|bytes| Stretch::before(&bytes));
        let (stretch, wrapped) = parts.ok_or(UnlockError::Corrupt { slot })?;
        Self::unwrapped(owner, &stretch.key(passphrase), slot, &wrapped, check)
    }

    fn unwrapped(
        owner: OwnerId,
        key: &SlotKey,
        slot: SlotKind,
        wrapped: &SealedBytes,
        check: &KeyCheck,
    ) -> Result<Vault, UnlockError> {
        let corrupt = UnlockError::Corrupt { slot };
        let root = match sealed::open(&key.0, &Context::Root { owner, slot }, wrapped) {
            Ok(bytes) => Key::copied(&bytes),
            Err(NotOpened::Commitment) => return Err(UnlockError::WrongKey { slot }),
            Err(NotOpened::Header | NotOpened::Content) => None,
        };
        let Some(root) = root else { return Err(corrupt) };
        let vault = Vault { owner, root };
        if verify_slices_are_equal(&vault.key_check().0, &check.0).is_err() {
            return Err(corrupt);
        }
        Ok(vault)
    }

    /// Whose vault it is.
    pub fn owner(&self) -> OwnerId {
        self.owner
    }

    /// ROOT wrapped for one slot, to keep beside the other slots.
    pub fn wrap_root(&self, key: &SlotKey, slot: SlotKind, rng: &dyn Rng) -> SealedBytes {
        let wrapped = sealed::seal(&key.0, &Context::Root { owner: self.owner, slot }, self.root.bytes(), rng);
        with_checksum(wrapped)
    }

    /// ROOT wrapped for the vault's passphrase, with a salt of its own in front. Refuses a weak one. Costs what unlocking costs.
    pub fn wrap_root_by_passphrase(&self, passphrase: &SecretBytes, rng: &dyn Rng) -> Result<SealedBytes, PassphraseError> {
        check_passphrase(passphrase)?;
        let stretch = Stretch::new(rng);
        let context = Context::Root { owner: self.owner, slot: SlotKind::Passphrase };
        let wrapped = sealed::seal(&stretch.key(passphrase).0, &context, self.root.bytes(), rng);
        Ok(with_checksum(stretch.in_front_of(&wrapped)))
    }

    /// A new random key for one source, wrapped by ROOT and bound to owner, source, purpose and generation (from 1).
    pub fn new_source_key(&self, source: SourceId, purpose: KeyPurpose, generation: u32, rng: &dyn Rng) -> SealedBytes {
        let context = Context::SourceKey { owner: self.owner, source, purpose, generation };
        sealed::seal(&self.root, &context, Key::random(rng).bytes(), rng)
    }

    /// The handle on one source's secrets, for one run or one change. `binding` is the caller's own knowledge of the source, not
    /// a row's; `keys` are that source's `secrets` keys.
    pub fn source_vault(&self, binding: SourceBinding, keys: &[WrappedKey]) -> Result<SourceVault, OpenError> {
        if binding.owner != self.owner {
            return Err(OpenError::OtherOwner { source_id: binding.source });
        }
        let opened = self.open_keys(binding.source, KeyPurpose::Secrets, keys)?;
        SourceVault::new(binding, opened)
    }

    /// The handle on one source's browser profile; `keys` are that source's `profile` keys.
    pub fn profile_vault(&self, binding: SourceBinding, keys: &[WrappedKey]) -> Result<ProfileVault, OpenError> {
        if binding.owner != self.owner {
            return Err(OpenError::OtherOwner { source_id: binding.source });
        }
        let opened = self.open_keys(binding.source, KeyPurpose::Profile, keys)?;
        ProfileVault::new(binding, opened)
    }

    fn open_keys(
        &self,
        source: SourceId,
        purpose: KeyPurpose,
        keys: &[WrappedKey],
    ) -> Result<Vec<(u32, KeyState, Key)>, OpenError> {
        let open = |WrappedKey { generation, state, wrapped }: &WrappedKey| {
            let context = Context::SourceKey { owner: self.owner, source, purpose, generation: *generation };
            let key = sealed::open(&self.root, &context, wrapped).ok().and_then(|bytes| Key::copied(&bytes));
            key.map(|key| (*generation, *state, key)).ok_or(OpenError::Key { source_id: source, generation: *generation })
        };
        keys.iter().map(open).collect()
    }

    /// Seals under ROOT itself, for what is the server's own and no source's.
    pub(crate) fn seal_by_root(&self, context: &Context<'_>, content: &[u8], rng: &dyn Rng) -> SealedBytes {
        sealed::seal(&self.root, context, content, rng)
    }

    /// Opens what [`Vault::seal_by_root`] made.
    pub(crate) fn open_by_root(&self, context: &Context<'_>, sealed: &SealedBytes) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        sealed::open(&self.root, context, sealed)
    }

    /// The MAC of an audit chain's head (HMAC-SHA256), so that cutting the chain's end off shows.
    pub fn mac_audit_head(&self, head: &[u8; 32]) -> [u8; 32] {
        let tag = hmac::sign(&self.audit_key(), head);
        let mut mac = [0; 32];
        mac.copy_from_slice(tag.as_ref());
        mac
    }

    /// Whether `mac` is this vault's for `head`.
    pub fn check_audit_head_mac(&self, head: &[u8; 32], mac: &[u8; 32]) -> bool {
        hmac::verify(&self.audit_key(), head, mac).is_ok()
    }

    fn audit_key(&self) -> hmac::Key {
        let key = sealed::subkey(&self.root, &Context::AuditHead { owner: self.owner });
        hmac::Key::new(hmac::HMAC_SHA256, key.bytes())
    }

    pub(crate) fn root(&self) -> &Key {
        &self.root
    }

    pub(crate) fn key_check(&self) -> KeyCheck {
        KeyCheck(*sealed::subkey(&self.root, &Context::KeyCheck { owner: self.owner }).bytes())
    }
}

/// A plain hash of public bytes: it protects against nobody, and tells damage from a wrong key.
const CHECKSUM_LEN: usize = 8;

fn with_checksum(SealedBytes(mut bytes): SealedBytes) -> SealedBytes {
    let hash = digest::digest(&digest::SHA256, &bytes);
    bytes.extend_from_slice(&hash.as_ref()[..CHECKSUM_LEN]);
    SealedBytes(bytes)
}

fn without_checksum(SealedBytes(bytes): &SealedBytes) -> Option<SealedBytes> {
    let (sealed, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_LEN)?)?;
    digest::digest(&digest::SHA256, sealed).as_ref().starts_with(checksum).then(|| SealedBytes(sealed.to_vec()))
}

fn words(slot: SlotKind) -> &'static str {
    match slot {
        SlotKind::KeyFile => "key file",
        SlotKind::RecoveryKey => "recovery key",
        SlotKind::Passphrase => "passphrase",
    }
}
