//! The vault's door: its state, unlocking, the handles on sources.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use freehold_core::status::VaultState;
use freehold_core::{ConnectorName, Problem, ProblemCode, SealedBytes, SecretBytes, SourceId};
use freehold_store::{SlotRow, SourceKeyRow, VaultDb};
use freehold_vault::key_file::{self, KeyFileError};
use freehold_vault::{
    KeyCheck, KeyPurpose, KeyState, RecoveryKey, SlotKey, SlotKind, SourceBinding, SourceVault, UnlockError, Vault,
    WrappedKey,
};

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::event::Event;
use crate::problem::from_store;
use crate::run::Mail;
use crate::server::{Engine, Inner, lock};
use crate::throttle::Who;
use crate::view::{SlotView, VaultView};

/// The vault while the server runs: a state, and the open vault when it is unlocked.
pub(crate) struct Door {
    key_file: PathBuf,
    now: Mutex<Standing>,
}

struct Standing {
    state: VaultState,
    vault: Option<Arc<Vault>>,
}

impl Door {
    /// Looks whether there is a vault, and unlocks it with the key file. Never makes a key beside old data.
    pub(crate) fn open(vault_db: &VaultDb, key_file: &Path) -> Result<Door, Problem> {
        let (state, vault) = match vault_db.owner().map_err(from_store)? {
            None => (VaultState::Uninitialised, None),
            // Without a slot for it, whatever lies there is no key of this vault: it starts locked.
            Some(_) if !has_slot(vault_db, SlotKind::KeyFile)? => (VaultState::Locked, None),
            Some(owner) => match key_file::read(key_file) {
                Err(KeyFileError::Missing { .. }) => (VaultState::KeyMissing, None),
                Err(error) => {
                    tracing::error!(%error, "the vault's key file cannot be used");
                    (VaultState::WrongKey, None)
                }
                Ok(key) => unlock(vault_db, owner.id, &key, SlotKind::KeyFile)?,
            },
        };
        Ok(Door { key_file: key_file.to_owned(), now: Mutex::new(Standing { state, vault: vault.map(Arc::new) }) })
    }

    pub(crate) fn state(&self) -> VaultState {
        lock(&self.now).state
    }

    pub(crate) fn key_file(&self) -> &Path {
        &self.key_file
    }

    /// The open vault, or the problem that says why it is not.
    pub(crate) fn vault(&self) -> Result<Arc<Vault>, Problem> {
        let now = lock(&self.now);
        now.vault.clone().ok_or_else(|| closed(now.state))
    }

    pub(crate) fn set(&self, state: VaultState, vault: Option<Vault>) {
        *lock(&self.now) = Standing { state, vault: vault.map(Arc::new) };
    }
}

/// What the vault is unlocked with.
pub enum UnlockWith {
    /// The key file beside the configuration.
    KeyFile,
    /// The printed recovery key, as typed.
    RecoveryKey(SecretBytes),
    /// The vault's passphrase.
    Passphrase(SecretBytes),
}

impl UnlockWith {
    fn kind(&self) -> SlotKind {
        match self {
            UnlockWith::KeyFile => SlotKind::KeyFile,
            UnlockWith::RecoveryKey(_) => SlotKind::RecoveryKey,
            UnlockWith::Passphrase(_) => SlotKind::Passphrase,
        }
    }
}

impl Engine {
    /// The vault's state and slots.
    pub fn vault(&self, caller: &Caller) -> Result<VaultView, Problem> {
        caller.must(Permission::Read)?;
        self.0.vault_view()
    }

    /// Unlocks the vault. A wrong passphrase is `unauthenticated`; wrong ones are throttled together with those of signing in.
    pub fn unlock_vault(&self, caller: &Caller, with: UnlockWith) -> Result<VaultView, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let owner = inner.owner()?;
        let kind = with.kind();
        if !has_slot(&inner.vault_db, kind)? {
            return Err(no_such_slot(kind));
        }
        let (state, vault) = match &with {
            UnlockWith::KeyFile => {
                let key = key_file::read(inner.door.key_file()).map_err(key_file_problem)?;
                unlock(&inner.vault_db, owner, &key, kind)?
            }
            UnlockWith::RecoveryKey(typed) => unlock(&inner.vault_db, owner, &parse_recovery_key(typed)?.slot_key(), kind)?,
            UnlockWith::Passphrase(typed) => inner.passphrase_tries.attempt(Who::LetIn, || {
                let opened = unlock_by_passphrase(&inner.vault_db, owner, typed)?;
                if opened.0 == VaultState::WrongKey { Err(not_the_vault_s_passphrase()) } else { Ok(opened) }
            })?,
        };
        if vault.is_none() {
            inner.record(&caller.actor(), Action::VaultUnlockRefused, kind.as_str(), &[("state", state.as_str())])?;
            return Err(closed(state));
        }
        inner.door.set(state, vault);
        inner.record(&caller.actor(), Action::VaultUnlock, kind.as_str(), &[])?;
        for mailbox in inner.mailboxes() {
            // A run that has just ended no longer listens.
            let _ = mailbox.send(Mail::VaultUnlocked);
        }
        inner.wake.now();
        inner.tell(Event::Vault);
        inner.vault_view()
    }

    /// Locks it. Runs under way go on with what they already hold.
    pub fn lock_vault(&self, caller: &Caller) -> Result<VaultView, Problem> {
        caller.must(Permission::Configure)?;
        self.0.door.vault()?;
        self.0.record(&caller.actor(), Action::VaultLock, "vault", &[])?;
        self.0.door.set(VaultState::Locked, None);
        self.0.tell(Event::Vault);
        self.0.vault_view()
    }
}

impl Inner {
    pub(crate) fn vault_view(&self) -> Result<VaultView, Problem> {
        let state = self.door.state();
        let slots = self.vault_db.slots().map_err(from_store)?;
        let unreadable;
        let sentence = match state {
            VaultState::Uninitialised => "No vault has been made yet.",
            VaultState::Unlocked => "Saved sign-in details can be used, each for its own source.",
            VaultState::Locked => "Sources with saved sign-in details wait until it is unlocked.",
            VaultState::WrongKey => match key_file::read(self.door.key_file()) {
                Ok(_) => "The key file does not open this vault. Put the right one back, or unlock with the recovery key.",
                Err(error) => {
                    unreadable = format!("The key file cannot be used: {error}. Then unlock the vault.");
                    &unreadable
                }
            },
            VaultState::Corrupt => "The vault's own records do not hold together. Restore vault.db from a backup.",
            VaultState::KeyMissing => {
                "The key file is missing. Put it back, or unlock with the recovery key. No new key is made beside old data."
            }
        };
        Ok(VaultView {
            state,
            sentence: sentence.to_owned(),
            slots: slots
                .into_iter()
                .map(|slot: SlotRow| SlotView { kind: slot.kind, confirmed: slot.confirmed, created_at: slot.created_at })
                .collect(),
            key_file: self.door.key_file().display().to_string(),
        })
    }

    /// The handle for one source's secrets, with every live generation of its key; `None` if it has no key yet.
    pub(crate) fn source_vault(&self, source: SourceId, connector: &ConnectorName) -> Result<Option<SourceVault>, Problem> {
        let vault = self.door.vault()?;
        let keys = self.wrapped_keys(source, KeyPurpose::Secrets)?;
        if keys.is_empty() {
            return Ok(None);
        }
        self.handle(&vault, source, connector, &keys).map(Some)
    }

    /// Every live generation of a source's key of that purpose.
    pub(crate) fn wrapped_keys(&self, source: SourceId, purpose: KeyPurpose) -> Result<Vec<WrappedKey>, Problem> {
        let rows = self.vault_db.source_keys(source, purpose.as_str()).map_err(from_store)?;
        let key = |row: SourceKeyRow| {
            let state = KeyState::parse(&row.state)?;
            Some(WrappedKey { generation: row.generation, state, wrapped: row.wrapped })
        };
        Ok(rows.into_iter().filter_map(key).collect())
    }

    /// A first key for a source, and the handle that seals with it. The key is not stored yet.
    pub(crate) fn new_source_vault(
        &self,
        source: SourceId,
        connector: &ConnectorName,
    ) -> Result<(SourceVault, u32, SealedBytes), Problem> {
        const FIRST_GENERATION: u32 = 1;
        let vault = self.door.vault()?;
        let wrapped = vault.new_source_key(source, KeyPurpose::Secrets, FIRST_GENERATION, &*self.rng);
        let key = WrappedKey { generation: FIRST_GENERATION, state: KeyState::Active, wrapped: wrapped.clone() };
        Ok((self.handle(&vault, source, connector, &[key])?, FIRST_GENERATION, wrapped))
    }

    fn handle(
        &self,
        vault: &Vault,
        source: SourceId,
        connector: &ConnectorName,
        keys: &[WrappedKey],
    ) -> Result<SourceVault, Problem> {
        let binding = SourceBinding { owner: self.owner()?, source, connector: connector.clone() };
        vault.source_vault(binding, keys).map_err(|error| {
            tracing::error!(%source, %error, "a source's key does not open");
            Problem::new(
                ProblemCode::VaultUnavailable,
                "This source's key does not open with this vault.",
                "Restore vault.db from a backup, or forget the source's sign-in details and give them again.",
            )
        })
    }
}

pub(crate) fn parse_recovery_key(typed: &SecretBytes) -> Result<RecoveryKey, Problem> {
    RecoveryKey::parse(typed).map_err(|error| {
        Problem::new(
            ProblemCode::BadInput,
            format!("{error}."),
            "Type it as it was printed; spaces and dashes do not matter.",
        )
        .at("recovery_key")
    })
}

pub(crate) fn unlock(
    vault_db: &VaultDb,
    owner: freehold_core::OwnerId,
    key: &SlotKey,
    kind: SlotKind,
) -> Result<(VaultState, Option<Vault>), Problem> {
    let slots = vault_db.slots().map_err(from_store)?;
    let check = vault_db.key_check().map_err(from_store)?.and_then(|bytes| KeyCheck::from_bytes(&bytes));
    let (Some(slot), Some(check)) = (slots.into_iter().find(|slot| slot.kind == kind.as_str()), check) else {
        return Ok((VaultState::Corrupt, None));
    };
    Ok(standing(Vault::unlock(owner, key, kind, &slot.wrapped, &check)))
}

fn unlock_by_passphrase(
    vault_db: &VaultDb,
    owner: freehold_core::OwnerId,
    passphrase: &SecretBytes,
) -> Result<(VaultState, Option<Vault>), Problem> {
    let slots = vault_db.slots().map_err(from_store)?;
    let check = vault_db.key_check().map_err(from_store)?.and_then(|bytes| KeyCheck::from_bytes(&bytes));
    let slot = slots.into_iter().find(|slot| slot.kind == SlotKind::Passphrase.as_str());
    let (Some(slot), Some(check)) = (slot, check) else { return Ok((VaultState::Corrupt, None)) };
    Ok(standing(Vault::unlock_by_passphrase(owner, passphrase, &slot.wrapped, &check)))
}

fn standing(unlocked: Result<Vault, UnlockError>) -> (VaultState, Option<Vault>) {
    match unlocked {
        Ok(vault) => (VaultState::Unlocked, Some(vault)),
        Err(UnlockError::WrongKey { .. }) => (VaultState::WrongKey, None),
        Err(UnlockError::Corrupt { .. }) => (VaultState::Corrupt, None),
    }
}

/// Whether there is a slot of that kind.
pub(crate) fn has_slot(vault_db: &VaultDb, kind: SlotKind) -> Result<bool, Problem> {
    let slots = vault_db.slots().map_err(from_store)?;
    Ok(slots.iter().any(|slot| slot.kind == kind.as_str()))
}

/// The vault has no slot of that kind.
pub(crate) fn no_such_slot(kind: SlotKind) -> Problem {
    let what = match kind {
        SlotKind::KeyFile => "This vault has no key file.",
        SlotKind::RecoveryKey => "This vault has no recovery key.",
        SlotKind::Passphrase => "This vault has no passphrase.",
    };
    Problem::new(ProblemCode::Conflict, what, "See which keys open it: in Settings, or with `freehold vault status`.")
}

fn not_the_vault_s_passphrase() -> Problem {
    Problem::new(
        ProblemCode::Unauthenticated,
        "That is not the vault's passphrase.",
        "Try again, or unlock with the recovery key. The passphrase you sign in with is another one.",
    )
    .at("vault_passphrase")
}

fn closed(state: VaultState) -> Problem {
    match state {
        VaultState::Locked => Problem::new(
            ProblemCode::VaultLocked,
            "The vault is locked.",
            "Unlock it in Settings, or with `freehold vault unlock`.",
        ),
        VaultState::Uninitialised => Problem::new(ProblemCode::NotSetUp, "There is no vault yet.", "Set Freehold up first."),
        VaultState::WrongKey => Problem::new(
            ProblemCode::VaultUnavailable,
            "The key given does not open this vault.",
            "Put the right key file back, or unlock with the recovery key.",
        ),
        VaultState::KeyMissing => Problem::new(
            ProblemCode::VaultUnavailable,
            "The vault's key file is missing.",
            "Put it back, or unlock with the recovery key.",
        ),
        VaultState::Corrupt | VaultState::Unlocked => {
            Problem::new(ProblemCode::VaultUnavailable, "The vault is damaged.", "Restore vault.db from a backup.")
        }
    }
}

fn key_file_problem(error: KeyFileError) -> Problem {
    Problem::new(
        ProblemCode::VaultUnavailable,
        format!("{error}."),
        "Put the key file back, or unlock with the recovery key.",
    )
}
