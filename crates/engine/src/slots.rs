//! The keys that open the vault: the owner's passphrase for it, the key file, a new recovery key.
//!
//! The recovery key is renewed and never removed, so whatever else goes, there is one key that a person holds. The vault has to be
//! unlocked for all of this: ROOT is wrapped anew, and never changes.

use std::fs::{self, File};

use freehold_core::{Problem, ProblemCode, SecretBytes};
use freehold_store::SlotRow;
use freehold_vault::{PassphraseError, RecoveryKey, SlotKind, key_file};

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::event::Event;
use crate::owner::{ShownOnce, no_longer_shown};
use crate::problem::{bad_input, from_store};
use crate::server::{Engine, lock};
use crate::vault::{has_slot, no_such_slot, unlock};
use crate::view::VaultView;

/// A recovery key that is shown now, and the groups (from 1) that have to be typed back.
pub(crate) struct ShownKey {
    key: RecoveryKey,
    asked: Vec<usize>,
}

impl Engine {
    /// Gives the vault a passphrase, or another one.
    pub fn set_vault_passphrase(&self, caller: &Caller, new: &SecretBytes) -> Result<VaultView, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let wrapped = inner.door.vault()?.wrap_root_by_passphrase(new, &*inner.rng).map_err(|error| weak(&error))?;
        self.put_slot(
            caller,
            SlotRow { kind: SlotKind::Passphrase.as_str().to_owned(), wrapped, created_at: inner.now(), confirmed: true },
        )
    }

    /// Takes the vault's passphrase away.
    pub fn remove_vault_passphrase(&self, caller: &Caller) -> Result<VaultView, Problem> {
        self.remove_slot(caller, SlotKind::Passphrase)
    }

    /// Takes the key file away, so that the vault starts locked: the slot, then the file.
    pub fn remove_key_file(&self, caller: &Caller) -> Result<VaultView, Problem> {
        let path = self.0.door.key_file();
        // What lies there may be another vault's.
        let is_ours = key_file::read(path).is_ok_and(|key| {
            let opened = self.0.owner().and_then(|owner| unlock(&self.0.vault_db, owner, &key, SlotKind::KeyFile));
            opened.is_ok_and(|(_, vault)| vault.is_some())
        });
        let view = self.remove_slot(caller, SlotKind::KeyFile)?;
        if !is_ours {
            return Ok(view);
        }
        // It opens nothing any more but older copies of vault.db, and would be in the way of a new one.
        let removed = fs::remove_file(path).and_then(|()| match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        });
        if let Err(error) = removed {
            tracing::warn!(%error, file = %path.display(), "the key file opens nothing any more and could not be removed");
        }
        Ok(view)
    }

    /// Makes a new key file, with which the vault opens by itself when the server starts.
    pub fn add_key_file(&self, caller: &Caller) -> Result<VaultView, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let vault = inner.door.vault()?;
        if has_slot(&inner.vault_db, SlotKind::KeyFile)? {
            let next = "Nothing has to be done: the vault opens with it.";
            return Err(Problem::new(ProblemCode::Conflict, "This vault has a key file already.", next));
        }
        let key = key_file::create(inner.door.key_file(), &*inner.rng).map_err(|error| {
            Problem::new(ProblemCode::VaultUnavailable, format!("{error}."), "Move what is there away, and repeat this.")
        })?;
        let wrapped = vault.wrap_root(&key, SlotKind::KeyFile, &*inner.rng);
        let kind = SlotKind::KeyFile.as_str().to_owned();
        self.put_slot(caller, SlotRow { kind, wrapped, created_at: inner.now(), confirmed: true })
    }

    /// Makes a new recovery key, shown once. The old one opens the vault until a part of the new one is typed back.
    pub fn new_recovery_key(&self, caller: &Caller) -> Result<(ShownOnce, Vec<usize>), Problem> {
        caller.must(Permission::Reauthenticated)?;
        self.0.door.vault()?;
        let key = RecoveryKey::generate(&*self.0.rng);
        let asked = RecoveryKey::confirm_challenge(&*self.0.rng).to_vec();
        let shown = ShownOnce(key.reveal());
        *lock(&self.0.next_recovery_key) = Some(ShownKey { key, asked: asked.clone() });
        Ok((shown, asked))
    }

    /// Which groups of the new recovery key (from 1) have to be typed back. A conflict if none is being shown.
    pub fn new_recovery_key_challenge(&self, caller: &Caller) -> Result<Vec<usize>, Problem> {
        caller.must(Permission::Read)?;
        let shown = lock(&self.0.next_recovery_key);
        shown.as_ref().map(|shown| shown.asked.clone()).ok_or_else(no_longer_shown)
    }

    /// Puts the new recovery key in the place of the old one, if the groups typed back are right.
    pub fn confirm_new_recovery_key(&self, caller: &Caller, groups: &[SecretBytes]) -> Result<VaultView, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let vault = inner.door.vault()?;
        let mut next = lock(&inner.next_recovery_key);
        let shown = next.as_ref().ok_or_else(no_longer_shown)?;
        let typed: Vec<_> = shown.asked.iter().copied().zip(groups).collect();
        if typed.len() != shown.asked.len() || !shown.key.confirms(&typed) {
            let again = "Look at what you wrote down and type those groups again.";
            return Err(bad_input("groups", "That is not what was shown.", again));
        }
        let kind = SlotKind::RecoveryKey;
        let wrapped = vault.wrap_root(&shown.key.slot_key(), kind, &*inner.rng);
        let row = SlotRow { kind: kind.as_str().to_owned(), wrapped, created_at: inner.now(), confirmed: true };
        let view = self.put_slot(caller, row)?;
        *next = None;
        Ok(view)
    }

    fn put_slot(&self, caller: &Caller, row: SlotRow) -> Result<VaultView, Problem> {
        let inner = &self.0;
        let kind = row.kind.clone();
        inner.vault_db.replace_slot(row, inner.audited(&caller.actor(), Action::SlotPut, &kind, &[])).map_err(from_store)?;
        inner.tell(Event::Vault);
        inner.vault_view()
    }

    fn remove_slot(&self, caller: &Caller, kind: SlotKind) -> Result<VaultView, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        // Whoever takes a key away shows that the vault can be opened without it.
        inner.door.vault()?;
        if !has_slot(&inner.vault_db, kind)? {
            return Err(no_such_slot(kind));
        }
        let audit = inner.audited(&caller.actor(), Action::SlotRemove, kind.as_str(), &[]);
        inner.vault_db.remove_slot(kind.as_str(), audit).map_err(from_store)?;
        inner.tell(Event::Vault);
        inner.vault_view()
    }
}

fn weak(error: &PassphraseError) -> Problem {
    bad_input("vault_passphrase", format!("{error}."), "Several unrelated words make a good one.")
}
