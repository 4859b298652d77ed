//! The owner: made at first start, the recovery key, the passphrase.

use std::sync::Arc;

use freehold_core::id::SessionId;
use freehold_core::status::VaultState;
use freehold_core::{OwnerId, Problem, ProblemCode, Rng, SecretBytes};
use freehold_store::{NewVault, SlotRow, VaultDb};
use freehold_vault::{PassphraseError, RecoveryKey, SlotKind, Vault, check_passphrase, hash_passphrase, key_file, token};

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::event::Event;
use crate::problem::from_store;
use crate::server::{Engine, Inner, lock};
use crate::throttle::Who;
use crate::vault::{parse_recovery_key, unlock};
use crate::view::SetupStage;

/// What first start needs.
pub struct NewOwner {
    /// The code the server printed.
    pub setup_code: SecretBytes,
    /// The owner's new passphrase.
    pub passphrase: SecretBytes,
}

/// Text that is shown to the owner once and kept nowhere: a recovery key, a new token.
pub struct ShownOnce(pub(crate) SecretBytes);

impl ShownOnce {
    /// The text, for the one page or terminal it is shown on.
    #[expect(clippy::disallowed_methods, reason = "showing it once is what it is for")]
    pub fn reveal(&self) -> &str {
        std::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

/// What is kept in memory until first start is over.
pub(crate) struct FirstStart {
    /// Who may make the owner: whoever reads the server's own output.
    setup_code: Option<SecretBytes>,
    /// The recovery key, until part of it has been typed back.
    recovery_key: Option<(RecoveryKey, Vec<usize>)>,
}

impl FirstStart {
    pub(crate) fn new(vault_db: &VaultDb, rng: &dyn Rng) -> Result<Self, Problem> {
        let has_owner = vault_db.owner().map_err(from_store)?.is_some();
        Ok(Self { setup_code: (!has_owner).then(|| new_setup_code(rng)), recovery_key: None })
    }
}

impl Engine {
    /// How far the server is set up.
    pub fn setup_stage(&self) -> Result<SetupStage, Problem> {
        let vault_db = &self.0.vault_db;
        if vault_db.owner().map_err(from_store)?.is_none() {
            return Ok(SetupStage::Owner);
        }
        let slots = vault_db.slots().map_err(from_store)?;
        let confirmed = slots.iter().any(|slot| slot.kind == SlotKind::RecoveryKey.as_str() && slot.confirmed);
        Ok(if confirmed { SetupStage::Done } else { SetupStage::RecoveryKey })
    }

    /// The setup code to print, while there is no owner.
    #[expect(clippy::disallowed_methods, reason = "printing it on the server's own terminal is what it is for")]
    pub fn setup_code(&self) -> Option<ShownOnce> {
        let first = lock(&self.0.first_start);
        first.setup_code.as_ref().map(|code| ShownOnce(SecretBytes::new(code.expose().to_vec())))
    }

    /// Makes the owner and the vault. Returns the recovery key, shown once.
    ///
    /// A wrong setup code is `unauthenticated`, and throttled; a weak passphrase `bad_input`; an owner who is there `already_set_up`.
    pub fn create_owner(&self, new: NewOwner) -> Result<ShownOnce, Problem> {
        let inner = &self.0;
        if self.setup_stage()? != SetupStage::Owner {
            return Err(Problem::new(
                ProblemCode::AlreadySetUp,
                "Freehold has an owner already.",
                "Sign in with the passphrase.",
            ));
        }
        inner.passphrase_tries.attempt(Who::Stranger(None), || inner.check_setup_code(&new.setup_code))?;
        check_strength(&new.passphrase)?;

        let owner = OwnerId::new(&*inner.clock, &*inner.rng);
        let key = key_file::create(inner.door.key_file(), &*inner.rng).map_err(|error| {
            Problem::new(
                ProblemCode::VaultUnavailable,
                format!("{error}."),
                "Move an old key file away if it belongs to another Freehold; never delete one that still has data.",
            )
        })?;
        let recovery_key = RecoveryKey::generate(&*inner.rng);
        let (vault, check) = Vault::create(owner, &*inner.rng);
        let now = inner.now();
        let slot = |kind: SlotKind, key, confirmed| SlotRow {
            kind: kind.as_str().to_owned(),
            wrapped: vault.wrap_root(key, kind, &*inner.rng),
            created_at: now,
            confirmed,
        };
        let row = NewVault {
            owner,
            passphrase_hash: hashed(&new.passphrase, &*inner.rng)?,
            key_check: check.to_bytes().to_vec(),
            slots: vec![slot(SlotKind::KeyFile, &key, true), slot(SlotKind::RecoveryKey, &recovery_key.slot_key(), false)],
            created_at: now,
        };
        inner
            .vault_db
            .create_vault(row, inner.audited("first_start", Action::OwnerCreate, "owner", &[]))
            .map_err(from_store)?;
        inner.door.set(VaultState::Unlocked, Some(vault));
        inner.tell(Event::Vault);
        Ok(inner.show_recovery_key(recovery_key))
    }

    /// Which groups of the recovery key (from 1) have to be typed back.
    pub fn recovery_challenge(&self) -> Result<Vec<usize>, Problem> {
        let first = lock(&self.0.first_start);
        first.recovery_key.as_ref().map(|(_, groups)| groups.clone()).ok_or_else(no_longer_shown)
    }

    /// Ends first start if the groups typed back are right.
    pub fn confirm_recovery_key(&self, groups: &[SecretBytes]) -> Result<(), Problem> {
        let mut first = lock(&self.0.first_start);
        let (key, asked) = first.recovery_key.as_ref().ok_or_else(no_longer_shown)?;
        let typed: Vec<_> = asked.iter().copied().zip(groups).collect();
        if typed.len() != asked.len() || !key.confirms(&typed) {
            return Err(Problem::new(
                ProblemCode::BadInput,
                "That is not what was shown.",
                "Look at what you wrote down and type those groups again.",
            )
            .at("groups"));
        }
        let audit = self.0.audited("first_start", Action::SlotConfirm, SlotKind::RecoveryKey.as_str(), &[]);
        self.0.vault_db.confirm_slot(SlotKind::RecoveryKey.as_str(), audit).map_err(from_store)?;
        *first = FirstStart { setup_code: None, recovery_key: None };
        Ok(())
    }

    /// Makes a new recovery key when the first was not written down, before it was confirmed.
    pub fn renew_recovery_key(&self) -> Result<ShownOnce, Problem> {
        let inner = &self.0;
        if self.setup_stage()? != SetupStage::RecoveryKey {
            return Err(Problem::new(ProblemCode::Conflict, "The recovery key is confirmed.", "Keep the one you have."));
        }
        let recovery_key = RecoveryKey::generate(&*inner.rng);
        let wrapped = inner.door.vault()?.wrap_root(&recovery_key.slot_key(), SlotKind::RecoveryKey, &*inner.rng);
        let kind = SlotKind::RecoveryKey.as_str();
        let slot = SlotRow { kind: kind.to_owned(), wrapped, created_at: inner.now(), confirmed: false };
        inner
            .vault_db
            .replace_slot(slot, inner.audited("first_start", Action::SlotReplace, kind, &[]))
            .map_err(from_store)?;
        Ok(inner.show_recovery_key(recovery_key))
    }

    /// Changes the passphrase, for someone who has the old one. Ends every session but the one it is changed in. Wrong ones are
    /// throttled together with those of signing in; no API token may do this.
    pub fn change_passphrase(&self, caller: &Caller, old: &SecretBytes, new: &SecretBytes) -> Result<(), Problem> {
        if matches!(caller, Caller::Token { .. }) {
            caller.must(Permission::Reauthenticated)?;
        }
        let inner = &self.0;
        self.check_passphrase(old)?;
        let hash = hash_passphrase(new, &*inner.rng).map_err(|error| weak(&error).at("new_passphrase"))?;
        let audit = inner.audited(&caller.actor(), Action::OwnerPassphrase, "owner", &[]);
        inner.vault_db.set_passphrase_hash(&hash, audit).map_err(from_store)?;
        let this = match caller {
            Caller::Console { session, .. } => Some(*session),
            Caller::Cli { .. } | Caller::Token { .. } => None,
        };
        self.end_sessions_but(this)
    }

    /// Sets a new passphrase, for someone who holds the recovery key. Ends every session.
    pub fn reset_passphrase(&self, recovery_key: &SecretBytes, new: &SecretBytes) -> Result<(), Problem> {
        let inner = &self.0;
        let owner = inner.owner()?;
        check_strength(new)?;
        inner.passphrase_tries.attempt(Who::LetIn, || {
            let key = parse_recovery_key(recovery_key)?;
            match unlock(&inner.vault_db, owner, &key.slot_key(), SlotKind::RecoveryKey)? {
                (_, Some(_)) => Ok(()),
                (VaultState::WrongKey, None) => Err(Problem::new(
                    ProblemCode::Unauthenticated,
                    "This recovery key is not this vault's.",
                    "Use the one printed when this Freehold was set up.",
                )),
                (_, None) => Err(Problem::new(
                    ProblemCode::VaultUnavailable,
                    "The vault is damaged.",
                    "Restore vault.db from a backup.",
                )),
            }
        })?;
        let hash = hashed(new, &*inner.rng)?;
        inner
            .vault_db
            .set_passphrase_hash(&hash, inner.audited("recovery_key", Action::OwnerReset, "owner", &[]))
            .map_err(from_store)?;
        self.end_sessions_but(None)
    }

    fn end_sessions_but(&self, this: Option<SessionId>) -> Result<(), Problem> {
        let sessions = self.0.data.sessions().map_err(from_store)?;
        sessions.iter().filter(|session| Some(session.id) != this).try_for_each(|session| self.end_session(session.id))
    }
}

impl Inner {
    fn show_recovery_key(self: &Arc<Self>, key: RecoveryKey) -> ShownOnce {
        let shown = ShownOnce(key.reveal());
        let challenge = RecoveryKey::confirm_challenge(&*self.rng).to_vec();
        let mut first = lock(&self.first_start);
        first.setup_code = None;
        first.recovery_key = Some((key, challenge));
        shown
    }

    fn check_setup_code(&self, typed: &SecretBytes) -> Result<(), Problem> {
        let first = lock(&self.first_start);
        if first.setup_code.as_ref().is_some_and(|code| is_same_setup_code(code, typed)) {
            return Ok(());
        }
        Err(Problem::new(
            ProblemCode::Unauthenticated,
            "That is not the setup code.",
            "The server printed it when it started; read it there.",
        )
        .at("setup_code"))
    }
}

/// Eight letters and digits that are hard to confuse, as in `K7QM-4XTR`: 40 bits, behind a throttle, gone after first use.
fn new_setup_code(rng: &dyn Rng) -> SecretBytes {
    const SYMBOLS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut random = [0; 8];
    rng.fill(&mut random);
    let mut code: Vec<u8> = random.iter().map(|byte| SYMBOLS[usize::from(byte % 32)]).collect();
    code.insert(4, b'-');
    SecretBytes::new(code)
}

/// Compared by hash, so that the time taken says nothing; case, spaces and dashes do not matter.
#[expect(clippy::disallowed_methods, reason = "what was typed is compared here and goes no further")]
fn is_same_setup_code(code: &SecretBytes, typed: &SecretBytes) -> bool {
    let plain = |text: &SecretBytes| -> Vec<u8> {
        text.expose().iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect()
    };
    token::token_matches(&plain(typed), &token::hash_token(&plain(code)))
}

fn hashed(new: &SecretBytes, rng: &dyn Rng) -> Result<String, Problem> {
    hash_passphrase(new, rng).map_err(|error| weak(&error))
}

pub(crate) fn check_strength(new: &SecretBytes) -> Result<(), Problem> {
    check_passphrase(new).map_err(|error| weak(&error))
}

pub(crate) fn weak(error: &PassphraseError) -> Problem {
    Problem::new(ProblemCode::BadInput, format!("{error}."), "Several unrelated words make a good one.").at("passphrase")
}

pub(crate) fn no_longer_shown() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "No recovery key is being shown.",
        "If it was not confirmed yet, have a new one made and write that down.",
    )
}
